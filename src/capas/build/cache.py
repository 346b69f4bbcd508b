"""The build cache: which key gave which layer. A SQLite file beside the store; the layers are blobs of the store."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from capas.build.vertex import Made
from capas.errors import Corrupt, Exhausted
from capas.layer.entry import Layer
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID, Digest

_VERSION = 2  # of the tables: what another version wrote is forgotten, it is only a cache
_SCHEMA = f"""
BEGIN IMMEDIATE;
DROP TABLE IF EXISTS steps;
DROP TABLE IF EXISTS keys;
DROP TABLE IF EXISTS families;
CREATE TABLE steps (
  id INTEGER PRIMARY KEY, diff_id TEXT, digest TEXT, media_type TEXT, size INTEGER, uncompressed_size INTEGER,
  created_ns INTEGER NOT NULL, last_used_ns INTEGER NOT NULL, uses INTEGER NOT NULL, title TEXT NOT NULL);
CREATE INDEX steps_layer ON steps (diff_id, digest, created_ns);
CREATE TABLE keys (key TEXT PRIMARY KEY, step INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX keys_step ON keys (step);
CREATE TABLE families (family TEXT PRIMARY KEY) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_MADE = "diff_id, digest, media_type, size, uncompressed_size, created_ns"


class CachedStep(NamedTuple):
    """One result in the cache. `size` is of its compressed layer in bytes, 0 for a step that changed nothing."""

    id: int
    digest: Digest | None
    size: int
    created_ns: int
    last_used_ns: int
    uses: int
    title: str


class BuildCache:
    """Results by key. Safe from many threads and processes.

    A step that changed nothing is kept too, with no layer. `clock` gives the time of each use, in nanoseconds.
    """

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def find(self, key: str) -> Made | None:
        """What this key gave, or None. Whether the layer's blob is still there is for the caller to ask."""
        rows = self._run(f"SELECT id, {_MADE} FROM keys JOIN steps ON id = step WHERE key=?", key)
        if not rows:
            return None
        self._run("UPDATE steps SET last_used_ns=?, uses=uses+1 WHERE id=?", self._clock(), rows[0][0])
        return _made(rows[0][1:])

    def put(self, keys: Sequence[str], made: Made, title: str = "") -> None:
        """Remember that each of these keys gives this. The newest wins. `title` tells people what it is."""
        with self._lock, self._writing() as db:
            step = self._find_step(db, keys, made) or self._add_step(db, made, title)
            before = [db.execute("SELECT step FROM keys WHERE key=?", (key,)).fetchone() for key in keys]
            db.executemany("INSERT OR REPLACE INTO keys VALUES (?,?)", [(key, step) for key in keys])
            unnamed = "DELETE FROM steps WHERE id=? AND NOT EXISTS (SELECT 1 FROM keys WHERE step=steps.id)"
            db.executemany(unnamed, filter(None, before))

    def list_keys(self, made: Made) -> list[str]:
        """Every key that gave this layer."""
        if made.layer is None:
            return []
        rows = self._run(
            "SELECT key FROM keys JOIN steps ON id = step WHERE diff_id=? AND digest=? AND created_ns=? ORDER BY key",
            str(made.layer.diff_id), str(made.layer.descriptor.digest), made.created_ns,
        )  # fmt: skip
        return [row[0] for row in rows]

    def knows(self, family: str) -> bool:
        """Whether a step of this family (same instruction on the same base, whatever the files) was ever made."""
        return bool(self._run("SELECT 1 FROM families WHERE family=?", family))

    def note(self, family: str) -> None:
        """A step of this family has been made: a content key may now help."""
        self._run("INSERT OR IGNORE INTO families VALUES (?)", family)

    def list_digests(self) -> list[Digest]:
        """Every blob that a cached step needs: what `Store.collect` is to leave alone."""
        rows = self._run("SELECT DISTINCT digest FROM steps WHERE digest IS NOT NULL")
        return [Digest.parse(row[0]) for row in rows]

    def list_layers(self) -> list[DiffID]:
        """Every layer that a cached step gave."""
        rows = self._run("SELECT DISTINCT diff_id FROM steps WHERE diff_id IS NOT NULL")
        return [DiffID.parse(row[0]) for row in rows]

    def list_steps(self) -> list[CachedStep]:
        """Every result. Order: the one used longest ago first."""
        rows = self._run(
            "SELECT id, digest, COALESCE(size, 0), created_ns, last_used_ns, uses, title FROM steps"
            " ORDER BY last_used_ns, id"
        )
        return [CachedStep(row[0], Digest.parse(row[1]) if row[1] else None, *row[2:]) for row in rows]

    def forget(self, ids: Iterable[int]) -> None:
        """Forget these results. Their blobs go at the next `Store.collect`."""
        with self._lock, self._writing() as db:
            rows = [(id,) for id in ids]
            db.executemany("DELETE FROM keys WHERE step=?", rows)
            db.executemany("DELETE FROM steps WHERE id=?", rows)
            if db.execute("SELECT 1 FROM steps LIMIT 1").fetchone() is None:
                db.execute("DELETE FROM families")

    def close(self) -> None:
        """Let the file go. Idempotent; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _find_step(self, db: sqlite3.Connection, keys: Sequence[str], made: Made) -> int | None:
        """The result itself, where it is known: by its layer, or by one of its keys."""
        if made.layer is not None:
            where = "diff_id=? AND digest=? AND created_ns=?"
            values: tuple[object, ...] = (str(made.layer.diff_id), str(made.layer.descriptor.digest), made.created_ns)
        else:
            marks = ",".join("?" * len(keys))
            where = f"diff_id IS NULL AND created_ns=? AND id IN (SELECT step FROM keys WHERE key IN ({marks}))"
            values = (made.created_ns, *keys)
        row = db.execute(f"SELECT id FROM steps WHERE {where} LIMIT 1", values).fetchone()
        return row[0] if row else None

    def _add_step(self, db: sqlite3.Connection, made: Made, title: str) -> int | None:
        values: tuple[object, ...] = (None, None, None, None)
        if made.layer is not None:
            blob = made.layer.descriptor
            values = (str(made.layer.diff_id), str(blob.digest), blob.media_type, blob.size)
        return db.execute(
            "INSERT INTO steps VALUES (NULL,?,?,?,?,?,?,?,0,?)",
            (*values, made.uncompressed_size, made.created_ns, self._clock(), title),
        ).lastrowid

    def _run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, self._errors():
            return self._open().execute(sql, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction for a block. Order: with the lock held."""
        with self._errors():
            db = self._open()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        hint = f"delete {self._path}: it is only a cache"
        try:
            yield
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise Exhausted("the disk is full: cannot write {path}", path=str(self._path)) from None
            raise Corrupt("the build cache cannot be used: {error}", error=str(error), hint=hint) from None
        except sqlite3.DatabaseError as error:
            raise Corrupt("the build cache is damaged: {error}", error=str(error), hint=hint) from None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                connection.executescript(_SCHEMA)
            self._connection = connection
        return self._connection


def _made(row: Sequence[Any]) -> Made:
    diff_id, digest, media_type, size, uncompressed, created = row
    if diff_id is None:
        return Made(None, 0, created)
    descriptor = Descriptor(media_type=media_type, digest=Digest.parse(digest), size=size)
    return Made(Layer(descriptor, DiffID.parse(diff_id)), uncompressed, created)
