"""Which repositories somebody may know of, as a condition on `repositories`: rights are part of each question.

It says of each repository what `hub.authorise(identity, name, "pull")` says.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from capas.hub.hub import Hub
from capas.hub.people.access import Identity, allow_all
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import grants, members, team_members

_R = repositories.c


def visible_to(hub: Hub, identity: Identity) -> ColumnElement[bool]:
    """The repositories that `identity` may pull from; in an open hub all."""
    return true() if hub.authorise is allow_all else may_pull(identity)


def may_pull(identity: Identity) -> ColumnElement[bool]:
    """The same by the rights of people alone."""
    held = true() if identity.is_admin else mine(identity)
    if identity.scopes is not None:
        held = and_(held, or_(false(), *(_like(scope.repositories) for scope in identity.scopes)))
    return or_(_R.is_public, held)


def mine(identity: Identity) -> ColumnElement[bool]:
    """The repositories in which this person has a role: their own, their organisations', those granted to them."""
    if identity.user is None:
        return false()
    user = identity.user
    organisations = select(members.c.organisation).where(members.c.user == user)
    teams = select(team_members.c.team).where(team_members.c.user == user)
    granted = select(grants.c.repository).where(or_(grants.c.user == user, grants.c.team.in_(teams)))
    return or_(_R.namespace == user, _R.namespace.in_(organisations), _R.id.in_(granted))


def _like(pattern: str) -> ColumnElement[bool]:
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return _R.name.like(escaped, escape="\\")
