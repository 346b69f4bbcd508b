"""The database under the records: `Database(url)`, and two doors, `read` and `write`.

What is asked of it is SQLAlchemy Core and means the same in SQLite and in PostgreSQL. Each room has its own questions
(functions or a small class over a Database); none holds a connection longer than one call.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from capas.errors import CapasError, Corrupt, Exhausted, Unavailable
from capas.hub.records.migrate import is_current, migrate

T = TypeVar("T")

_WAIT_SECONDS = 30.0
_READERS = 16  # connections, as many as the hub has threads


class Database:
    """The records at a URL: `sqlite:///path`, or `postgresql+psycopg://…`.

    Raises: Corrupt for a file that is no database, or one of a newer Capas; Unavailable; Exhausted.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.is_local = parsed.get_backend_name() == "sqlite"
        self.name = parsed.database if self.is_local else parsed.render_as_string(hide_password=True)
        if self.is_local:
            Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
        self._reader = _engine(url, "BEGIN", _READERS)
        self._writer = _engine(url, "BEGIN IMMEDIATE", 1) if self.is_local else self._reader
        self._turn = threading.Lock() if self.is_local else nullcontext()
        try:
            if not self.read(is_current):
                self.write(migrate)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        self._reader.dispose()
        self._writer.dispose()

    def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds, all of it at one point in time."""
        with self._errors(), self._reader.connect() as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Do `work` whole or not at all; what it raises undoes it. It may be called again, so it touches nothing else.

        Not `durable`: on disk with the next durable write, which keeps the order.
        """
        with self._errors(), self._turn, self._writer.connect() as connection:
            if self.is_local:
                _set_durable(connection, durable)
            with connection.begin():
                return work(connection)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT."""
        return sqlite.insert(table) if self.is_local else postgresql.insert(table)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise _kind(error, str(self.name)) from error


def _engine(url: str, begin: str, size: int) -> Engine:
    """An engine with at most `size` connections."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=size, max_overflow=0, pool_pre_ping=True)
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


def _set_durable(connection: Connection, durable: bool) -> None:
    """Outside a transaction, where alone SQLite takes it."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")


def _kind(error: SQLAlchemyError, name: str) -> CapasError:
    """What went wrong with the database, as a kind."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL or getattr(origin, "sqlstate", "") == "53100":
        return Exhausted("no space left to write {path}", path=name, hint="free some space and try again")
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Corrupt("the hub's records in {path} are damaged: {why}", path=name, why=str(origin))
    return Unavailable("cannot use the hub's records in {path}: {why}", path=name, why=str(origin))
