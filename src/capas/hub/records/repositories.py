"""Repositories by name, and the number that rows of other tables know them by."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from capas.hub.records.database import Database
from capas.hub.records.postings import index_repository
from capas.hub.records.tables.images import links, manifests, repositories
from capas.hub.records.words import Named


def find_repository(db: Connection, name: str) -> int | None:
    """Its number, None where nothing was ever pushed there."""
    found: int | None = db.execute(select(repositories.c.id).where(repositories.c.name == name)).scalar()
    return found


def make_repository(database: Database, db: Connection, name: str, now_ns: int) -> int:
    """Its number; made if need be."""
    found = find_repository(db, name)
    if found is not None:
        return found
    new = database.insert(repositories).values(name=name, created_ns=now_ns, updated_ns=now_ns)
    made = db.execute(new.on_conflict_do_nothing().returning(repositories.c.id)).scalar()
    if made is not None:
        index_repository(database, db, made, Named(name))
    return made or find_repository(db, name) or 0


def forget_empty(db: Connection) -> None:
    """Drop the repositories of nobody that hold nothing and of which nobody said anything."""
    held = exists().where(links.c.repository == repositories.c.id)
    pushed = exists().where(manifests.c.repository == repositories.c.id)
    plain = (repositories.c.namespace.is_(None), ~repositories.c.is_official, repositories.c.description == "")
    db.execute(repositories.delete().where(*plain, ~held, ~pushed))
