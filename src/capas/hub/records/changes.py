"""What changed, across processes: a write moves a counter on, and who keeps answers in memory looks at it each time.

The counter is read before the answers that it stands for, so that these are never older than it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable

from sqlalchemy import Connection, select

from capas.hub.records.database import Database
from capas.hub.records.tables.changes import changes

RIGHTS = "rights"  # moved on by every change of who may do what where

Count = Callable[[], int]


def note_change(database: Database, db: Connection, name: str) -> None:
    """Move the counter on, in the transaction of the change."""
    moved = changes.update().where(changes.c.name == name).values(count=changes.c.count + 1)
    if not db.execute(moved).rowcount:
        first = database.insert(changes).values(name=name, count=1)
        again = {"count": changes.c.count + 1}
        db.execute(first.on_conflict_do_update(index_elements=["name"], set_=again))


def counter(database: Database, name: str) -> Count:
    """A function that gives the counter as it stands, whoever moved it: about 4 µs in SQLite, a trip elsewhere."""
    return _local_counter(database, name) if database.is_local else _remote_counter(database, name)


def _local_counter(database: Database, name: str) -> Count:
    connection = sqlite3.connect(str(database.name), isolation_level=None, check_same_thread=False)
    database.when_closed(connection.close)
    turn = threading.Lock()

    def count() -> int:
        with turn:
            row = connection.execute("SELECT count FROM changes WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    return count


def _remote_counter(database: Database, name: str) -> Count:
    wanted = select(changes.c.count).where(changes.c.name == name)
    return lambda: database.read(lambda db: db.execute(wanted).scalar()) or 0
