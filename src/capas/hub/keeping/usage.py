"""What a namespace holds, by repository, beside what it may hold."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, select

from capas.hub.keeping.place import get_namespace_place
from capas.hub.records.database import Database
from capas.hub.records.quota import count_used
from capas.hub.records.tables.images import links, repositories
from capas.hub.records.tables.people import namespaces

_MOST = 100


class RepositoryUsage(msgspec.Struct, frozen=True):
    """The blobs of one repository; what several hold counts in each."""

    name: str
    bytes: int


class Usage(msgspec.Struct, frozen=True):
    """`used_bytes`: each blob once. `limit_bytes`: null for no limit. `repositories`: the largest, at most 100."""

    name: str
    used_bytes: int
    limit_bytes: int | None
    repositories: list[RepositoryUsage]


def get_usage(database: Database, name: str) -> Usage:
    """Counted now. Raises: NotFound."""
    return database.read(lambda db: _count(db, name))


def _count(db: Connection, name: str) -> Usage:
    number = get_namespace_place(db, name).namespace or 0
    limit = db.execute(select(namespaces.c.limit_bytes).where(namespaces.c.id == number)).scalar()
    held = func.coalesce(func.sum(links.c.size), 0).label("held")
    each = select(repositories.c.name, held).outerjoin(links, links.c.repository == repositories.c.id)
    each = each.where(repositories.c.namespace == number).group_by(repositories.c.name)
    largest = db.execute(each.order_by(held.desc(), repositories.c.name).limit(_MOST))
    return Usage(name, count_used(db, number), limit, [RepositoryUsage(row.name, int(row.held)) for row in largest])
