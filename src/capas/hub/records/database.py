"""The database under the records: `Database(url)`, and two doors, `read` and `write`.

What is asked of it is SQLAlchemy Core and means the same in SQLite and in PostgreSQL. Each room has its own questions
(functions or a small class over a Database); none holds a connection longer than one call.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from capas import chance
from capas.errors import CapasError, Corrupt, Exhausted, Unavailable, Unsupported
from capas.hub.records.migrate import is_current, migrate
from capas.hub.records.together import Together
from capas.store.lock import locked

T = TypeVar("T")

_WAIT_SECONDS = 30.0
_READERS = 16  # connections, as many as the hub has threads
_TRY_AGAIN = {"40001", "40P01"}  # serialization_failure, deadlock_detected


class _Work(NamedTuple):
    work: Callable[[Connection], object]
    durable: bool


class Database:
    """The records at a URL: `sqlite:///path`, or `postgresql+psycopg://…`.

    Raises: Corrupt for a file that is no database, or one of a newer Capas; Unavailable; Exhausted.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.is_local = parsed.get_backend_name() == "sqlite"
        self.name = parsed.database if self.is_local else parsed.render_as_string(hide_password=True)
        self._reader, self._writer = _open_sqlite(url) if self.is_local else _open_postgres(url)
        self._others: list[Callable[[], object]] = []
        self._made: dict[Callable[[Database], Any], Any] = {}
        self._together = Together(self._write_all)
        try:
            if not self.read(is_current):
                self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        for close in self._others:
            close()
        self._reader.dispose()
        self._writer.dispose()

    def when_closed(self, close: Callable[[], object]) -> None:
        """Call `close` when the records are let go of: for a connection that somebody keeps for itself."""
        self._others.append(close)

    def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds, all of it at one point in time. It may be called again."""

        def attempt() -> T:
            with self._reader.connect() as connection:
                return work(connection)

        with self._errors():
            return _again(attempt)

    def write(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Do `work` whole or not at all, as if nobody else were writing; what it raises undoes it.

        It may be called again, so it touches nothing else. Not `durable`: on disk with the next durable write, which
        keeps the order.
        """
        with self._errors():
            if self.is_local:
                return cast(T, self._together.write(_Work(work, durable)))
            return _again(lambda: self._write(work, durable))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """SQLite lets one write, and other processes sleep and look again; who waits for a lock file is woken."""
        if not self.is_local:
            yield
            return
        with locked(Path(f"{self.name}-turn")):
            yield

    def _migrate(self) -> None:
        with self._errors(), self._alone(), self._writer.connect() as connection:
            if not self.is_local:  # it has to see what another process did while it waited for the lock
                connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                migrate(connection)

    def _write_all(self, works: Sequence[_Work]) -> Sequence[object]:
        """All of them in one transaction; where one of them fails, each in one of its own."""
        is_durable = any(one.durable for one in works)
        with self._alone():
            try:
                return self._write(lambda db: [one.work(db) for one in works], is_durable)
            except Exception as error:
                if len(works) == 1:
                    return [error]
        return [answer for one in works for answer in self._write_all([one])]

    def _write(self, work: Callable[[Connection], T], durable: bool) -> T:
        with self._writer.connect() as connection:
            if self.is_local:
                _set_durable(connection, durable)
            transaction = connection.begin()
            if not (self.is_local or durable):
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            result = work(connection)
            try:
                transaction.commit()
            except DBAPIError as error:
                if error.connection_invalidated:  # nobody knows whether it was done: not to be done twice
                    raise Unavailable("the hub's database left before it said that it is done") from error
                raise
            return result

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT."""
        return sqlite.insert(table) if self.is_local else postgresql.insert(table)

    def once(self, make: Callable[[Database], T]) -> T:
        """A statement for these records, put together once: that takes ten times as long as asking it."""
        found: T | None = self._made.get(make)
        if found is None:
            found = self._made[make] = make(self)
        return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise _kind(error, str(self.name)) from error


def _keep_private(path: Path) -> None:
    """Nobody but its owner reads from the disk how passwords and keys are kept; SQLite's other files follow it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            status = os.fstat(fd)
            if status.st_mode & 0o077 and status.st_uid == os.geteuid():
                os.fchmod(fd, 0o600)
        finally:
            os.close(fd)
    except OSError as error:
        raise Unavailable("cannot use the hub's records in {path}: {why}", path=str(path), why=str(error)) from error


def _open_sqlite(url: str) -> tuple[Engine, Engine]:
    """One that reads and one that writes, whose single connection takes the lock when it begins."""
    _keep_private(Path(make_url(url).database or ""))
    return _sqlite_engine(url, "BEGIN", _READERS), _sqlite_engine(url, "BEGIN IMMEDIATE", 1)


def _sqlite_engine(url: str, begin: str, size: int) -> Engine:
    arguments = {"timeout": _WAIT_SECONDS, "check_same_thread": False}
    engine = create_engine(url, pool_size=size, max_overflow=0, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say when a transaction begins
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _open_postgres(url: str) -> tuple[Engine, Engine]:
    """One pool of connections for both. Writes are serializable: what holds with one writer holds with many."""
    try:
        engine = create_engine(url, pool_size=_READERS, max_overflow=_READERS, pool_timeout=_WAIT_SECONDS)
    except ImportError:
        raise Unsupported(
            "a hub on PostgreSQL needs one more package", hint='install it: pip install "capas[hub-postgres]"'
        ) from None
    event.listen(engine, "connect", _plan_short)
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return reader, engine.execution_options(isolation_level="SERIALIZABLE")


def _plan_short(connection: Any, _record: object) -> None:
    """Our questions take milliseconds, and what they read is in memory: compilers and workers would take longer."""
    for setting in ("jit = off", "max_parallel_workers_per_gather = 0", "random_page_cost = 1.1"):
        connection.execute(f"SET {setting}")
    connection.commit()


def _again(attempt: Callable[[], T]) -> T:
    """Its result, tried again where the database says that this helps, and where a connection had died unnoticed."""
    began = time.monotonic()
    for number in count(1):
        try:
            return attempt()
        except DBAPIError as error:
            waited = time.monotonic() - began
            may = error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _TRY_AGAIN
            if not may or waited > _WAIT_SECONDS:
                raise
        time.sleep(chance.fraction() * min(0.002 * 2**number, 0.2))  # apart from those who collided with us
    raise AssertionError


def _set_durable(connection: Connection, durable: bool) -> None:
    """Outside a transaction, where alone SQLite takes it."""
    if connection.info.get("is_durable") != durable:
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.info["is_durable"] = durable


def _kind(error: SQLAlchemyError, name: str) -> CapasError:
    """What went wrong with the database, as a kind."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL or getattr(origin, "sqlstate", "") == "53100":
        return Exhausted("no space left to write {path}", path=name, hint="free some space and try again")
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Corrupt("the hub's records in {path} are damaged: {why}", path=name, why=str(origin))
    return Unavailable("cannot use the hub's records in {path}: {why}", path=name, why=str(origin))
