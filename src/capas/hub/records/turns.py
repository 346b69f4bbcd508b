"""Turns: what is to be done once in a while, by one process of all that share the records."""

from __future__ import annotations

from sqlalchemy import Connection, select

from capas.hub.records.database import Database
from capas.hub.records.tables.changes import turns


def take_turn(database: Database, name: str, now_ns: int, every_ns: int) -> bool:
    """Whether it is ours to do now: nobody took a turn in the last `every_ns`, and now we have. Never twice at once."""
    due = select(turns.c.next_ns).where(turns.c.name == name)
    if (database.read(lambda db: db.execute(due).scalar()) or 0) > now_ns:
        return False

    def take(db: Connection) -> bool:
        row = database.insert(turns).values(name=name, next_ns=now_ns + every_ns)
        ours = row.on_conflict_do_update(
            index_elements=["name"], set_={"next_ns": row.excluded.next_ns}, where=turns.c.next_ns <= now_ns
        )
        return db.execute(ours.returning(turns.c.name)).scalar() is not None

    return database.write(take)
