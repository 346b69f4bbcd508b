"""How many bytes a namespace may hold: each blob counted once, in however many of its repositories it is.

Where there is a limit, `namespaces.used_bytes` is never less than what is held: every new blob adds to it, nothing that
goes takes from it. Where it would pass the limit the blobs are counted anew, in that same transaction, and only that
count refuses. So whatever else writes or deletes, no drift can let too much in, nor keep out what has room.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from capas.hub.records.database import Database
from capas.hub.records.tables.images import links, repositories
from capas.hub.records.tables.people import namespaces
from capas.hub.records.values import RuledOut

_N = namespaces.c
_HELD = links.join(repositories, links.c.repository == repositories.c.id)


_LIMITED = select(_N.id, _N.name, _N.limit_bytes, _N.used_bytes).where(_N.limit_bytes.is_not(None))
_WHOSE = select(repositories.c.namespace).where(repositories.c.id == bindparam("repository")).scalar_subquery()
_LIMIT_OF = _LIMITED.where(_N.id == _WHOSE)
_LIMIT_BY_NAME = _LIMITED.where(_N.name == bindparam("name"))


class Room(NamedTuple):
    """What is left in a namespace with a limit."""

    name: str
    limit_bytes: int
    free_bytes: int

    def refuse(self, size: int) -> RuledOut:
        """The error for a blob of so many bytes."""
        return RuledOut(
            "{namespace} may hold {limit} bytes and has room for {free}: not for a blob of {size}",
            namespace=self.name,
            limit=self.limit_bytes,
            free=self.free_bytes,
            size=size,
            hint="delete what is not needed, or ask the hub's keeper for more",
        )


class Allowance:
    """How large an upload may grow: one that `charge` would refuse in the end is ended at once."""

    def __init__(self, database: Database, repository: str) -> None:
        self._database = database
        self._repository = repository
        self._most = -1

    def check(self, size: int) -> None:
        """Raises: RuledOut for an upload that is to have so many bytes."""
        if 0 <= size <= self._most:
            return
        self._most = self._database.read(lambda db: find_most(db, self._repository, size))


def find_most(db: Connection, repository: str, size: int) -> int:
    """How large an upload to the repository may grow, of `size` bytes at least. Raises: RuledOut where it may not.

    It is counted exactly only where that matters. An upload no larger than what is there already may cost nothing.
    """
    room = find_room(db, repository)
    if room is None:
        return sys.maxsize
    if size <= room.free_bytes:
        return room.free_bytes
    exact = find_room(db, repository, exactly=True) or room
    most = max(exact.free_bytes, _find_largest(db, repository))
    if size > most:
        raise exact.refuse(size)
    return most


def charge(db: Connection, repository: int, digest: str, size: int) -> None:
    """Count a blob that the repository is about to hold. Raises: RuledOut where its namespace has no room for it."""
    row = db.execute(_LIMIT_OF, {"repository": repository}).one_or_none()
    if row is None or _holds(db, row.id, digest):
        return
    used = row.used_bytes
    if used + size > row.limit_bytes:
        used = count_used(db, row.id)
        if used + size > row.limit_bytes:
            raise Room(row.name, row.limit_bytes, max(row.limit_bytes - used, 0)).refuse(size)
    db.execute(namespaces.update().where(_N.id == row.id).values(used_bytes=used + size))


def find_room(db: Connection, repository: str, *, exactly: bool = False) -> Room | None:
    """What an upload to the repository finds, None without a limit. A guess may be too low, never too high."""
    row = db.execute(_LIMIT_BY_NAME, {"name": _namespace_of(repository)}).one_or_none()
    if row is None:
        return None
    used = count_used(db, row.id) if exactly else row.used_bytes
    return Room(row.name, row.limit_bytes, max(row.limit_bytes - used, 0))


def count_used(db: Connection, namespace: int) -> int:
    """The bytes that the namespace holds."""
    mine = select(links.c.digest, func.max(links.c.size).label("size")).select_from(_HELD)
    each = mine.where(repositories.c.namespace == namespace).group_by(links.c.digest).subquery()
    return int(db.execute(select(func.sum(each.c.size))).scalar() or 0)


def set_limit(db: Connection, namespace: int, limit_bytes: int | None) -> None:
    """Let the namespace hold so many bytes from now on; None: any number. What is there already stays."""
    values = {"limit_bytes": limit_bytes, "used_bytes": count_used(db, namespace)}
    db.execute(namespaces.update().where(_N.id == namespace).values(values))


def admit(db: Connection, namespace: int) -> None:
    """Count a repository that came to the namespace as a whole. Raises: RuledOut where it holds too much with it."""
    row = db.execute(select(_N.name, _N.limit_bytes).where(_N.id == namespace)).one()
    used = count_used(db, namespace) if row.limit_bytes is not None else 0
    if row.limit_bytes is not None and used > row.limit_bytes:
        raise RuledOut(
            "{namespace} may hold {limit} bytes, and would hold {used}",
            namespace=row.name,
            limit=row.limit_bytes,
            used=used,
        )
    db.execute(namespaces.update().where(_N.id == namespace).values(used_bytes=used))


def recount(db: Connection) -> int:
    """Count all namespaces with a limit anew; how many had another number."""
    wrong = 0
    for number, noted in db.execute(select(_N.id, _N.used_bytes).where(_N.limit_bytes.is_not(None))).all():
        used = count_used(db, number)
        if used != noted:
            db.execute(namespaces.update().where(_N.id == number).values(used_bytes=used))
            wrong += 1
    return wrong


def _holds(db: Connection, namespace: int, digest: str) -> bool:
    held = select(links.c.digest).select_from(_HELD)
    here = held.where(repositories.c.namespace == namespace, links.c.digest == digest)
    return db.execute(here.limit(1)).first() is not None


def _find_largest(db: Connection, repository: str) -> int:
    mine = select(func.max(links.c.size)).select_from(_HELD.join(namespaces, repositories.c.namespace == _N.id))
    return int(db.execute(mine.where(_N.name == _namespace_of(repository))).scalar() or 0)


def _namespace_of(repository: str) -> str:
    first, slash, _ = repository.partition("/")
    return first if slash else ""
