"""The hub's records in SQLite: one file, any number of threads and processes.

Reads go through one connection and writes through another, so that a read never waits for a write of this process.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from capas.hub.records import Link, Missing, Need, NewManifest, Referrer, StoredManifest
from capas.hub.sqlite_schema import connect, database_error
from capas.oci.digest import Digest

_BY_TAG = """SELECT m.digest, m.media_type, m.data FROM repositories r
    JOIN tags t ON t.repository = r.id JOIN manifests m ON m.repository = r.id AND m.digest = t.digest
    WHERE r.name = ? AND t.name = ?"""
_BY_DIGEST = """SELECT m.digest, m.media_type, m.data FROM repositories r
    JOIN manifests m ON m.repository = r.id WHERE r.name = ? AND m.digest = ?"""
_LINK = """SELECT l.size, l.linked_ns FROM repositories r JOIN links l ON l.repository = r.id
    WHERE r.name = ? AND l.digest = ?"""
_REFERRERS = """SELECT m.digest, m.media_type, length(m.data), m.artifact_type, m.annotations FROM repositories r
    JOIN manifests m ON m.repository = r.id
    WHERE r.name = :name AND m.subject = :subject AND m.digest > :after AND (:type = '' OR m.artifact_type = :type)
    ORDER BY m.digest LIMIT :limit"""
_EXPIRE = """DELETE FROM links WHERE linked_ns < ? AND NOT EXISTS
    (SELECT 1 FROM needs n WHERE n.repository = links.repository AND n.digest = links.digest)"""
_FORGET_EMPTY = """DELETE FROM repositories WHERE
    NOT EXISTS (SELECT 1 FROM links l WHERE l.repository = repositories.id) AND
    NOT EXISTS (SELECT 1 FROM manifests m WHERE m.repository = repositories.id)"""


class SqliteRecords:
    """`Records` in the SQLite file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = connect(path)
        self._writer = connect(path)
        self._reading = threading.Lock()
        self._writing = threading.Lock()

    def close(self) -> None:
        """Let go of the database."""
        with self._reading, self._writing:
            self._reader.close()
            self._writer.close()

    # manifests and tags

    def has_repository(self, name: str) -> bool:
        """Whether anything was ever pushed there and not collected."""
        return self._one("SELECT 1 FROM repositories WHERE name = ?", (name,)) is not None

    def list_repositories(self, after: str, limit: int) -> list[str]:
        """At most `limit` names that sort after `after`, in order."""
        rows = self._all("SELECT name FROM repositories WHERE name > ? ORDER BY name LIMIT ?", (after, limit))
        return [row[0] for row in rows]

    def find_manifest(self, name: str, reference: str) -> StoredManifest | None:
        """By tag, or by digest."""
        row = self._one(_BY_DIGEST if ":" in reference else _BY_TAG, (name, reference))
        return StoredManifest(Digest(row[0]), row[1], row[2]) if row else None

    def put_manifest(self, name: str, new: NewManifest, tag: str | None, now_ns: int) -> list[Missing]:
        """Keep it and point the tag at it; or change nothing and say what is missing."""
        with self._write(durable=True) as db:
            repository = _repository(db, name)
            missing = [lack for need in new.needs if (lack := _lack(db, repository, need))]
            if missing:
                db.execute("ROLLBACK")
                return missing
            _keep(db, repository, new, now_ns)
            if tag is not None:
                _point(db, repository, tag, new.stored.digest, now_ns)
        return []

    def delete_manifest(self, name: str, digest: Digest) -> bool:
        """Forget it and the tags that point at it. False where it was not there."""
        with self._write(durable=True) as db:
            row = db.execute(
                "SELECT m.id, r.id FROM repositories r JOIN manifests m ON m.repository = r.id"
                " WHERE r.name = ? AND m.digest = ?",
                (name, digest),
            ).fetchone()
            if row:
                db.execute("DELETE FROM manifests WHERE id = ?", (row[0],))
                db.execute("DELETE FROM needs WHERE manifest = ?", (row[0],))
                db.execute("DELETE FROM tags WHERE repository = ? AND digest = ?", (row[1], digest))
        return row is not None

    def delete_tag(self, name: str, tag: str) -> bool:
        """Forget the tag alone. False where it was not there."""
        with self._write(durable=True) as db:
            sql = "DELETE FROM tags WHERE name = ? AND repository = (SELECT id FROM repositories WHERE name = ?)"
            return db.execute(sql, (tag, name)).rowcount > 0

    def list_tags(self, name: str, after: str, limit: int) -> list[str]:
        """At most `limit` tags that sort after `after`, in order."""
        sql = (
            "SELECT t.name FROM repositories r JOIN tags t ON t.repository = r.id"
            " WHERE r.name = ? AND t.name > ? ORDER BY t.name LIMIT ?"
        )
        return [row[0] for row in self._all(sql, (name, after, limit))]

    def list_referrers(self, name: str, subject: Digest, artifact_type: str, page: tuple[str, int]) -> list[Referrer]:
        """Those with this subject (and type, unless empty), by digest. `page`: after which digest, how many."""
        facts = {"name": name, "subject": subject, "type": artifact_type, "after": page[0], "limit": page[1]}
        return [
            Referrer(Digest(digest), media_type, size, kind, msgspec.json.decode(annotations))
            for digest, media_type, size, kind, annotations in self._all(_REFERRERS, facts)
        ]

    # which repository holds which blob

    def find_link(self, name: str, digest: Digest) -> Link | None:
        """The link, None where the repository does not hold the blob."""
        row = self._one(_LINK, (name, digest))
        return Link(*row) if row else None

    def link(self, name: str, digest: Digest, size: int, now_ns: int) -> None:
        """The repository holds the blob from now on. Again: a push counts on it now.

        On disk with the manifest that needs it, whose commit puts what came before it on disk too.
        """
        with self._write() as db:
            _link(db, _repository(db, name), digest, Link(size, now_ns))

    def unlink(self, name: str, digest: Digest) -> bool:
        """The repository holds it no more. False where it did not."""
        with self._write(durable=True) as db:
            sql = "DELETE FROM links WHERE digest = ? AND repository = (SELECT id FROM repositories WHERE name = ?)"
            return db.execute(sql, (digest, name)).rowcount > 0

    def mount(self, name: str, digest: Digest, source: str, now_ns: int) -> bool:
        """Link what `source` links, in one step. False where it does not."""
        with self._write() as db:
            row = db.execute(_LINK, (source, digest)).fetchone()
            if row:
                _link(db, _repository(db, name), digest, Link(row[0], now_ns))
        return row is not None

    def list_holders(self, digest: Digest, limit: int) -> list[str]:
        """Some repositories that hold the blob."""
        sql = "SELECT r.name FROM links l JOIN repositories r ON r.id = l.repository WHERE l.digest = ? LIMIT ?"
        return [row[0] for row in self._all(sql, (digest, limit))]

    def expire_links(self, before_ns: int) -> int:
        """Drop the links that no manifest of their repository needs and no push counted on since; how many."""
        with self._write(durable=True) as db:
            dropped = db.execute(_EXPIRE, (before_ns,)).rowcount
            db.execute(_FORGET_EMPTY)
        return dropped

    def list_unlinked(self, digests: Sequence[Digest]) -> Collection[Digest]:
        """Those of them that no repository holds."""
        with self._reading, self._errors():
            sql = "SELECT 1 FROM links WHERE digest = ? LIMIT 1"
            return {digest for digest in digests if self._reader.execute(sql, (digest,)).fetchone() is None}

    # the database

    def _one(self, sql: str, facts: tuple[object, ...]) -> Any:
        with self._reading:
            try:
                return self._reader.execute(sql, facts).fetchone()
            except sqlite3.Error as error:
                raise database_error(error, self._path) from error

    def _all(self, sql: str, facts: tuple[object, ...] | dict[str, object]) -> list[Any]:
        with self._reading, self._errors():
            return self._reader.execute(sql, facts).fetchall()

    @contextmanager
    def _write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        with self._writing, self._errors():
            db = self._writer
            db.execute("PRAGMA synchronous = FULL" if durable else "PRAGMA synchronous = NORMAL")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                if db.in_transaction:
                    db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise database_error(error, self._path) from error


def _repository(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT id FROM repositories WHERE name = ?", (name,)).fetchone()
    if row:
        return int(row[0])
    return int(db.execute("INSERT INTO repositories (name) VALUES (?) RETURNING id", (name,)).fetchone()[0])


def _lack(db: sqlite3.Connection, repository: int, need: Need) -> Missing | None:
    sql = (
        "SELECT length(data) FROM manifests WHERE repository = ? AND digest = ?"
        if need.is_manifest
        else "SELECT size FROM links WHERE repository = ? AND digest = ?"
    )
    row = db.execute(sql, (repository, need.digest)).fetchone()
    if row and row[0] == need.size:
        return None
    return Missing(need.digest, row[0] if row else None)


def _keep(db: sqlite3.Connection, repository: int, new: NewManifest, now_ns: int) -> None:
    stored = new.stored
    row = db.execute(
        "INSERT INTO manifests (repository, digest, media_type, artifact_type, subject, annotations, pushed_ns, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (repository, digest)"
        " DO UPDATE SET media_type = excluded.media_type, pushed_ns = excluded.pushed_ns RETURNING id",
        (
            repository,
            stored.digest,
            stored.media_type,
            new.artifact_type,
            new.subject,
            msgspec.json.encode(new.annotations),
            now_ns,
            stored.data,
        ),
    ).fetchone()
    blobs = [(repository, need.digest, row[0]) for need in new.needs if not need.is_manifest]
    db.executemany("INSERT OR IGNORE INTO needs (repository, digest, manifest) VALUES (?, ?, ?)", blobs)


def _point(db: sqlite3.Connection, repository: int, tag: str, digest: Digest, now_ns: int) -> None:
    db.execute(
        "INSERT INTO tags (repository, name, digest, pushed_ns) VALUES (?, ?, ?, ?) ON CONFLICT (repository, name)"
        " DO UPDATE SET digest = excluded.digest, pushed_ns = excluded.pushed_ns",
        (repository, tag, digest, now_ns),
    )


def _link(db: sqlite3.Connection, repository: int, digest: Digest, link: Link) -> None:
    db.execute(
        "INSERT INTO links (repository, digest, size, linked_ns) VALUES (?, ?, ?, ?) ON CONFLICT (repository, digest)"
        " DO UPDATE SET linked_ns = excluded.linked_ns",
        (repository, digest, link.size, link.linked_ns),
    )
