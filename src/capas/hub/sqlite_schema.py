"""The tables of a hub in SQLite, and connections to them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from capas.errors import Corrupt, Exhausted, Unavailable

VERSION = 1
_WAIT_SECONDS = 30.0
_TABLES = """
CREATE TABLE repositories (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE manifests (
    id INTEGER PRIMARY KEY,
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    artifact_type TEXT NOT NULL,
    subject TEXT,
    annotations BLOB NOT NULL,
    pushed_ns INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (repository, digest)
);
CREATE INDEX manifests_by_subject ON manifests (repository, subject, digest) WHERE subject IS NOT NULL;
CREATE TABLE tags (
    repository INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    pushed_ns INTEGER NOT NULL,
    PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE INDEX tags_by_digest ON tags (repository, digest);
CREATE TABLE links (
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    linked_ns INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX links_by_digest ON links (digest);
CREATE TABLE needs (
    repository INTEGER NOT NULL,
    digest TEXT NOT NULL,
    manifest INTEGER NOT NULL,
    PRIMARY KEY (repository, digest, manifest)
) WITHOUT ROWID;
CREATE INDEX needs_by_manifest ON needs (manifest);
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the hub's records, made with their tables if need be.

    Raises: Corrupt for a file that is no database, or one of a newer Capas; Unavailable.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise database_error(error, path) from None
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _make_tables(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise database_error(error, path) from None
    except BaseException:
        connection.close()
        raise
    return connection


def database_error(error: sqlite3.Error, path: Path) -> Corrupt | Exhausted | Unavailable:
    """What went wrong with the database, as a kind."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return Exhausted("no space left to write {path}", path=path, hint="free some space and try again")
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Corrupt("the hub's records in {path} are damaged: {why}", path=path, why=str(error))
    return Unavailable("cannot use the hub's records in {path}: {why}", path=path, why=str(error))


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)
        if found > VERSION:
            raise Corrupt("{path} was written by a newer Capas", path=path, hint="upgrade Capas on this machine")
        if found < VERSION:
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
