"""Connections to the records' SQLite file: made when first used, lent to one thread at a time."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from capas.errors import CapasError, Conflict, Corrupt, Denied, Exhausted, Unavailable
from capas.store.disk import disk_errors, make_dirs
from capas.store.lock import locked
from capas.store.schema import is_current, migrate

_BUSY_SECONDS = 60.0


class Database:
    """The file at `path`, for many threads and processes at once. A fork's child opens connections of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._pid = os.getpid()
        self._inherited: list[sqlite3.Connection] = []
        self._here = threading.local()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with: the open transaction's, where this thread has one. Raises: see `_kind`."""
        current: sqlite3.Connection | None = getattr(self._here, "current", None)
        if current is not None:
            yield current
            return
        db = self._take()
        try:
            yield db
        except sqlite3.Error as error:
            raise _kind(error, self.path) from error
        finally:
            self._idle.append(db)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of the block or none of it, on disk when it ends. Blocks nest into the outermost."""
        if getattr(self._here, "current", None) is not None:
            yield self._here.current
            return
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            self._here.current = db
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            finally:
                self._here.current = None

    def close(self) -> None:
        """Close what is idle. The next use opens again."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        if self._pid != os.getpid():  # after a fork: the parent's connections may be neither used nor closed here
            self._inherited, self._idle, self._pid = self._idle, [], os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def _open(self) -> sqlite3.Connection:
        with disk_errors(self.path):
            make_dirs(self.path.parent)
        try:
            db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _kind(error, self.path) from error
        try:
            db.execute("PRAGMA synchronous = FULL")  # what a verb said it did is still done after a power cut
            if not is_current(db):
                with disk_errors(self.path), locked(self.path.with_suffix(".lock")):
                    migrate(db)
        except BaseException as error:
            db.close()
            raise (_kind(error, self.path) if isinstance(error, sqlite3.Error) else error) from error
        return db


def _kind(error: sqlite3.Error, path: Path) -> CapasError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Corrupt("the records in {path} are damaged: {why}", path=path, why=str(error))
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) and "full" in str(error) + _space(path):
        return Exhausted("no space left to write {path}", path=path, hint="free some space and try again")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return Denied("may not write {path}: {why}", path=path, why=str(error))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Conflict("{path} is in use by another process for too long", path=path)
    return Unavailable("cannot use {path}: {why}", path=path, why=str(error))


def _space(path: Path) -> str:
    try:
        return "" if os.statvfs(path.parent).f_bavail > 0 else "full"
    except OSError:
        return ""
