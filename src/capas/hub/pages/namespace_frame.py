"""A namespace as the pages of its people show it: which tabs there are, and for whom."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select

from capas.hub.pages.visit import Visit
from capas.hub.people.access import Role, at_least
from capas.hub.people.required import not_yours, require_role
from capas.hub.records.tables.people import namespaces

_N = namespaces.c


class Owned(NamedTuple):
    """A namespace in which the reader has a role."""

    name: str
    kind: str
    display_name: str
    description: str
    role: Role

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/u/{self.name}"

    @property
    def is_organisation(self) -> bool:
        """Whether it belongs to several people."""
        return self.kind == "organisation"

    def may(self, least: Role) -> bool:
        """Whether the reader is at least this in it."""
        return at_least(self.role, least)


def get_owned(visit: Visit, least: Role) -> Owned:
    """The namespace of the path. Raises: NotFound for whoever has no role in it; Denied for a lower one."""
    name = visit.path_text("name")
    require_role(visit.hub, visit.identity, name, least)
    wanted = select(_N.name, _N.kind, _N.display_name, _N.description).where(_N.name == name)
    row = visit.hub.database.read(lambda db: db.execute(wanted).one_or_none())
    if row is None:
        raise not_yours(name)
    role = visit.hub.rights.role_in(visit.identity, name)
    return Owned(*row, role or "reader")
