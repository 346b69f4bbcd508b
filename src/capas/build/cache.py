"""The build cache: which key gave which layer. A SQLite file beside the store; the layers are blobs of the store."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from capas.build.vertex import Made
from capas.errors import Corrupt, Exhausted
from capas.layer.entry import Layer
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID, Digest

_SCHEMA = """
CREATE TABLE IF NOT EXISTS steps (
  key TEXT PRIMARY KEY, diff_id TEXT, digest TEXT, media_type TEXT, size INTEGER, uncompressed_size INTEGER,
  created_ns INTEGER NOT NULL, last_used_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS steps_used ON steps (last_used_ns);
CREATE TABLE IF NOT EXISTS families (family TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class CacheUsage(NamedTuple):
    """What the cache refers to. `size` is bytes of distinct compressed layers."""

    steps: int
    size: int


class BuildCache:
    """Steps by key. Safe from many threads and processes.

    A step that changed nothing is kept too, with no layer. `clock` gives the time of each use, in nanoseconds.
    """

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def find(self, key: str) -> Made | None:
        """What this key gave, or None. Whether the layer's blob is still there is for the caller to ask."""
        rows = self._run(
            "SELECT diff_id, digest, media_type, size, uncompressed_size, created_ns FROM steps WHERE key=?", key
        )
        if not rows:
            return None
        self._run("UPDATE steps SET last_used_ns=? WHERE key=?", self._clock(), key)
        diff_id, digest, media_type, size, uncompressed, created = rows[0]
        if diff_id is None:
            return Made(None, 0, created)
        descriptor = Descriptor(media_type=media_type, digest=Digest.parse(digest), size=size)
        return Made(Layer(descriptor, DiffID.parse(diff_id)), uncompressed, created)

    def put(self, keys: Iterable[str], made: Made) -> None:
        """Remember that each of these keys gives this. The newest wins."""
        now = self._clock()
        layer = made.layer
        values: tuple[object, ...] = (None, None, None, None)
        if layer is not None:
            blob = layer.descriptor
            values = (str(layer.diff_id), str(blob.digest), blob.media_type, blob.size)
        for key in keys:
            self._run(
                "INSERT OR REPLACE INTO steps VALUES (?,?,?,?,?,?,?,?)",
                key, *values, made.uncompressed_size, made.created_ns, now,
            )  # fmt: skip

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

    def usage(self) -> CacheUsage:
        """How many steps are known, and what their layers take."""
        (steps,) = self._run("SELECT COUNT(*) FROM steps")[0]
        (size,) = self._run("SELECT COALESCE(SUM(size), 0) FROM (SELECT DISTINCT digest, size FROM steps)")[0]
        return CacheUsage(steps, size)

    def prune(self, *, used_before_ns: int | None = None) -> int:
        """Forget steps not used since then (None: all); how many. Their blobs go at the next `Store.collect`."""
        before = (1 << 63) - 1 if used_before_ns is None else used_before_ns
        (count,) = self._run("SELECT COUNT(*) FROM steps WHERE last_used_ns<?", before)[0]
        self._run("DELETE FROM steps WHERE last_used_ns<?", before)
        if used_before_ns is None:
            self._run("DELETE FROM families")
        return int(count)

    def close(self) -> None:
        """Let the file go. Idempotent; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._open().execute(sql, values).fetchall()
            except sqlite3.OperationalError as error:
                if "full" in str(error):
                    raise Exhausted("the disk is full: cannot write {path}", path=str(self._path)) from None
                raise Corrupt("the build cache cannot be used: {error}", error=str(error), hint=self._hint) from None
            except sqlite3.DatabaseError as error:
                raise Corrupt("the build cache is damaged: {error}", error=str(error), hint=self._hint) from None

    @property
    def _hint(self) -> str:
        return f"delete {self._path}: it is only a cache"

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(_SCHEMA)
            self._connection = connection
        return self._connection
