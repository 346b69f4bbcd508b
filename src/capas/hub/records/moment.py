"""Moments of the records: the same answer twice means that nothing was committed in between, by anybody.

What was read at a moment may be shown again for as long as the moment lasts, so a cache needs no word from those who
write. Both databases know it already: SQLite counts the commits of other connections (`PRAGMA data_version`, 3 µs),
and in PostgreSQL `pg_current_snapshot()` is another one after every commit.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Protocol

from sqlalchemy import func, select

from capas.errors import Unavailable
from capas.hub.records.database import Database


class Moments(Protocol):
    """Asked by one event loop."""

    async def now(self) -> object:
        """The moment of the records, not older than this call. Raises: Unavailable."""

    def close(self) -> None:
        """Let go of what it holds open."""


def open_moments(database: Database, hop: Callable[[Callable[[], object]], Awaitable[object]]) -> Moments:
    """The moments of these records. `hop` does a piece of blocking work in a thread."""
    return SqliteMoments(str(database.name)) if database.is_local else SharedMoments(database, hop)


class SqliteMoments:
    """A connection that never writes and is told of what all others commit."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._cursor = self._connection.cursor()

    async def now(self) -> object:
        """No thread: it looks at shared memory, and waits for nobody."""
        try:
            return self._cursor.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as error:
            raise Unavailable(
                "cannot use the hub's records in {path}: {why}", path=self._path, why=str(error)
            ) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


class SharedMoments:
    """One question to the server for all requests that wait: who comes while one is under way waits for the next."""

    def __init__(self, database: Database, hop: Callable[[Callable[[], object]], Awaitable[object]]) -> None:
        self._database = database
        self._hop = hop
        self._asking: asyncio.Task[object] | None = None
        self._next: asyncio.Task[object] | None = None

    async def now(self) -> object:
        """A round trip, shared."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._ask(self._asking))
        return await asyncio.shield(self._next)

    def close(self) -> None:
        """Nothing is held."""

    async def _ask(self, before: asyncio.Task[object] | None) -> object:
        if before is not None:
            await asyncio.wait([before])
        self._asking, self._next = self._next, None
        return await self._hop(self._read)

    def _read(self) -> object:
        return self._database.read(lambda db: str(db.execute(select(func.pg_current_snapshot())).scalar_one()))
