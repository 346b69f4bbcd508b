"""What steps were made of in earlier builds: kept beside the build cache, to say why a step is done again.

It is an aid to people and no more: a file that is damaged, locked or on a full disk gives no explanations and stops no
build. The oldest runs go first when there are too many bytes of them.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from capas.typed import from_msgpack

_VERSION = 1  # of the tables and of what is packed in them: of another version nothing is kept
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, seconds REAL NOT NULL, facts BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS runs_title ON runs (title);
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, run INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_run ON keys (run);
CREATE TABLE IF NOT EXISTS builds (id INTEGER PRIMARY KEY AUTOINCREMENT, stage TEXT NOT NULL, steps BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS builds_stage ON builds (stage);
"""
_FRESH = f"""
DROP TABLE IF EXISTS runs; DROP TABLE IF EXISTS keys; DROP TABLE IF EXISTS builds; PRAGMA user_version={_VERSION};
"""
MOST_BYTES = 32 << 20
MOST_BUILDS = 2000
_BUILDS_A_STAGE = 4
_BUSY_SECONDS = 5.0


class Run(NamedTuple):
    """One step as it was done. `facts` are all that its key was made of, `files` (None: not known) what it copied.

    The rest is for people: `base` is what it stood on and `base_digest` that image's, `arguments` the names among the
    variables that are the build's, `variables` what the instruction's own words mention.
    """

    title: str
    facts: Mapping[str, str]
    files: Mapping[str, str] | None = None
    base: str = ""
    base_digest: str = ""
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    seconds: float = 0.0


class PastStep(NamedTuple):
    """A step of an earlier build: its instruction and a key that names its run."""

    title: str
    key: str


class Past:
    """The runs in the file `path`. Safe from many threads and processes; nothing it does raises."""

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def put(self, keys: Sequence[str], run: Run) -> None:
        """Remember a run under its keys; of several under one key the newest counts."""
        packed = _pack(run)
        if len(packed) > self._most_bytes // 4:  # one step must not push all others out
            packed = _pack(run._replace(files=None))
        with self._lock:
            rows = self._run(
                "INSERT INTO runs (title, seconds, facts) VALUES (?, ?, ?) RETURNING id",
                run.title, run.seconds, packed,
            )  # fmt: skip
            for (number,) in rows:
                for key in keys:
                    self._run("INSERT OR REPLACE INTO keys VALUES (?, ?)", key, number)

    def find(self, key: str) -> Run | None:
        """The run of this key."""
        with self._lock:
            return self._first("SELECT facts FROM runs JOIN keys ON keys.run = runs.id WHERE key = ?", key)

    def find_seconds(self, key: str) -> float | None:
        """How long the run of this key took."""
        with self._lock:
            rows = self._run("SELECT seconds FROM runs JOIN keys ON keys.run = runs.id WHERE key = ?", key)
        return float(rows[0][0]) if rows else None

    def find_like(self, title: str) -> Run | None:
        """The newest run of this instruction, in any Dockerfile."""
        with self._lock:
            return self._first("SELECT facts FROM runs WHERE title = ? ORDER BY id DESC LIMIT 1", title)

    def put_build(self, stage: str, steps: Sequence[PastStep]) -> None:
        """Remember which steps a stage had, unless the last build of it had the same."""
        packed = msgspec.msgpack.encode(steps)
        with self._lock:
            last = self._run("SELECT steps FROM builds WHERE stage = ? ORDER BY id DESC LIMIT 1", stage)
            if last and last[0][0] == packed:
                return
            self._run("INSERT INTO builds (stage, steps) VALUES (?, ?)", stage, packed)
            self._run(
                "DELETE FROM builds WHERE stage = ? AND id NOT IN"
                " (SELECT id FROM builds WHERE stage = ? ORDER BY id DESC LIMIT ?)",
                stage, stage, _BUILDS_A_STAGE,
            )  # fmt: skip
            self._run("DELETE FROM builds WHERE id <= (SELECT MAX(id) FROM builds) - ?", MOST_BUILDS)

    def list_builds(self, stage: str) -> list[list[PastStep]]:
        """The steps of this stage in earlier builds, newest first."""
        with self._lock:
            rows = self._run("SELECT steps FROM builds WHERE stage = ? ORDER BY id DESC", stage)
        found = []
        for (packed,) in rows:
            try:
                found.append(from_msgpack(packed, list[PastStep]))
            except msgspec.MsgspecError:
                continue
        return found

    def close(self) -> None:
        """Forget the oldest beyond the limit, and let the file go. Idempotent."""
        with self._lock:
            if self._connection is not None:
                self._trim()
                self._connection.close()
                self._connection = None

    def _trim(self) -> None:
        kept = (
            "SELECT MIN(id) FROM (SELECT id, SUM(LENGTH(facts)) OVER (ORDER BY id DESC) AS total FROM runs)"
            " WHERE total <= ?"
        )
        for (oldest,) in self._run(kept, self._most_bytes):
            if oldest is not None and self._run("SELECT 1 FROM runs WHERE id < ? LIMIT 1", oldest):
                self._run("DELETE FROM runs WHERE id < ?", oldest)
                self._run("DELETE FROM keys WHERE run < ?", oldest)

    def _first(self, sql: str, *values: object) -> Run | None:
        for (packed,) in self._run(sql, *values):
            try:
                return from_msgpack(zlib.decompress(packed), Run)
            except (msgspec.MsgspecError, zlib.error):
                continue
        return None

    def _run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._open().execute(sql, values).fetchall()
        except (sqlite3.OperationalError, OSError):
            return []
        except sqlite3.DatabaseError:  # damaged: the next build begins a new one
            self._discard()
            return []

    def _discard(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=OFF")
                if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                    connection.executescript(_FRESH)
                connection.executescript(_SCHEMA)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


def _pack(run: Run) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(run), 1)
