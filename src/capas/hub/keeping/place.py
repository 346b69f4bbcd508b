"""Where a rule holds: in one repository, or in all of a namespace."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from capas.errors import NotFound
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import namespaces


class Place(NamedTuple):
    """The number of a repository, or of a namespace, with its name. `within` is the namespace of a repository."""

    name: str
    repository: int | None = None
    namespace: int | None = None
    within: int | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The columns of a row that belongs here."""
        return {"repository": self.repository, "namespace": self.namespace}

    def own(self, table: Table) -> ColumnElement[bool]:
        """The rows that belong here: what is asked for by number is looked for in these alone."""
        if self.repository is not None:
            return and_(table.c.repository == self.repository)
        return and_(table.c.namespace == self.namespace)

    def holding(self, table: Table) -> ColumnElement[bool]:
        """The rows that hold here: its own, and for a repository those of its namespace."""
        own = self.own(table)
        return own if self.within is None else or_(own, table.c.namespace == self.within)


def find_repository_place(db: Connection, name: str) -> Place | None:
    """A repository, by name."""
    c = repositories.c
    row = db.execute(select(c.id, c.namespace).where(c.name == name)).one_or_none()
    return Place(name, repository=row.id, within=row.namespace) if row else None


def get_repository_place(db: Connection, name: str) -> Place:
    """A repository, by name. Raises: NotFound."""
    found = find_repository_place(db, name)
    if found is None:
        raise NotFound("there is no repository {repository} here", repository=name[:255])
    return found


def get_namespace_place(db: Connection, name: str) -> Place:
    """A namespace, by name. Raises: NotFound."""
    number = db.execute(select(namespaces.c.id).where(namespaces.c.name == name)).scalar()
    if number is None:
        raise NotFound("there is no user or organisation {namespace} here", namespace=name[:255])
    return Place(name, namespace=number)
