"""The tables of the records, and how an older file becomes the newest."""

from __future__ import annotations

import sqlite3

from capas.errors import Unsupported

_FIRST = """
CREATE TABLE image (
  id TEXT PRIMARY KEY, manifest TEXT NOT NULL, created_ns INTEGER NOT NULL, size INTEGER NOT NULL,
  os TEXT NOT NULL, architecture TEXT NOT NULL, variant TEXT NOT NULL, labels TEXT NOT NULL, parent TEXT
) WITHOUT ROWID;
CREATE TABLE manifest (
  digest TEXT NOT NULL, image TEXT NOT NULL, media_type TEXT NOT NULL, digests TEXT NOT NULL,
  PRIMARY KEY (image, digest)
) WITHOUT ROWID;
CREATE TABLE name (
  domain TEXT NOT NULL, path TEXT NOT NULL, tag TEXT NOT NULL, image TEXT NOT NULL, manifest TEXT NOT NULL,
  PRIMARY KEY (domain, path, tag)
) WITHOUT ROWID;
CREATE INDEX name_image ON name (image);
CREATE TABLE digest (
  name TEXT NOT NULL, digest TEXT NOT NULL, image TEXT NOT NULL, PRIMARY KEY (name, digest, image)
) WITHOUT ROWID;
CREATE INDEX digest_image ON digest (image);
CREATE TABLE layer (
  diff_id TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL, size INTEGER NOT NULL,
  uncompressed_size INTEGER NOT NULL, PRIMARY KEY (diff_id, digest)
) WITHOUT ROWID;
CREATE INDEX layer_digest ON layer (digest);
CREATE TABLE source (
  digest TEXT NOT NULL, domain TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (digest, domain, path)
) WITHOUT ROWID;
"""
_SPARED = """
CREATE TABLE spared (
  digest TEXT PRIMARY KEY, diff_id TEXT NOT NULL, size INTEGER NOT NULL, recipe TEXT NOT NULL
) WITHOUT ROWID;
"""
_TIMES = """
CREATE TABLE step (
  image TEXT NOT NULL, number INTEGER NOT NULL, seconds REAL, cached INTEGER, PRIMARY KEY (image, number)
) WITHOUT ROWID;
"""
MIGRATIONS = (_FIRST, _SPARED, _TIMES)  # MIGRATIONS[n] turns version n into n + 1; one is never changed, only added to


def is_current(db: sqlite3.Connection) -> bool:
    """Whether the file has the newest tables. Raises: Unsupported for a file of a newer Capas."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise Unsupported(
            "the store's records are of version {version}, this Capas knows {known}",
            version=version, known=len(MIGRATIONS), hint="use the Capas that wrote them, or a newer one",
        )  # fmt: skip
    return bool(version == len(MIGRATIONS))


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to the newest tables, each step whole or not at all. The caller keeps other processes out."""
    db.execute("PRAGMA journal_mode = WAL")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for number in range(version, len(MIGRATIONS)):
        db.executescript(f"BEGIN IMMEDIATE;{MIGRATIONS[number]}PRAGMA user_version = {number + 1};COMMIT;")
