"""What the storage holds, by repository. A blob that several hold is counted in each, and once in the sum."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select

from capas.hub.records.database import Database
from capas.hub.records.tables.images import links, repositories


class Usage(NamedTuple):
    """What a repository holds. `size` is in bytes."""

    name: str
    blobs: int
    size: int


def list_usage(database: Database, limit: int) -> list[Usage]:
    """The repositories that hold most, most first."""
    size = func.coalesce(func.sum(links.c.size), 0)
    shown = select(repositories.c.name, func.count(links.c.digest), size).join(
        links, links.c.repository == repositories.c.id
    )
    most = (
        shown.group_by(repositories.c.id, repositories.c.name).order_by(size.desc(), repositories.c.name).limit(limit)
    )
    return database.read(lambda db: [Usage(row[0], row[1], int(row[2])) for row in db.execute(most).all()])


def sum_usage(database: Database) -> Usage:
    """Of the whole hub, each blob once."""
    once = select(links.c.digest, func.max(links.c.size).label("size")).group_by(links.c.digest).subquery()
    wanted = select(func.count(), func.coalesce(func.sum(once.c.size), 0)).select_from(once)
    row = database.read(lambda db: db.execute(wanted).one())
    return Usage("", row[0], int(row[1]))
