"""What the records say about rights: of a person, of a token, of a repository. Read fresh; `rights` remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from capas.hub.people.access import Role, Scope
from capas.hub.people.names import namespace_of
from capas.hub.people.scopes import read_scopes
from capas.hub.people.tokens import ROBOT
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import grants, members, namespaces, team_members, tokens, users


class Person(NamedTuple):
    """An active user: the role in each namespace, by its number, and the teams."""

    number: int
    is_admin: bool
    roles: Mapping[int, Role]
    teams: frozenset[int]


class Bearer(NamedTuple):
    """A token that was not revoked. `robot_of` is the namespace whose robot it is."""

    robot_of: int | None
    scopes: tuple[Scope, ...] | None
    expires_ns: int | None


class Place(NamedTuple):
    """A repository, or where one would be made. `namespace`: whose; None for nobody's (`library/`)."""

    number: int | None
    namespace: int | None
    is_public: bool
    people: Mapping[int, Role]
    teams: Mapping[int, Role]


NOWHERE = Place(None, None, False, {}, {})


def read_person(db: Connection, number: int) -> Person | None:
    """None where the account is closed or gone."""
    row = db.execute(select(users.c.is_admin, users.c.is_active).where(users.c.id == number)).one_or_none()
    if row is None or not row.is_active:
        return None
    held = select(members.c.organisation, members.c.role).where(members.c.user == number)
    roles: dict[int, Role] = {row.organisation: row.role for row in db.execute(held)}
    teams = db.execute(select(team_members.c.team).where(team_members.c.user == number)).scalars()
    return Person(number, row.is_admin, roles | {number: "owner"}, frozenset(teams))


def read_bearer(db: Connection, number: int) -> Bearer | None:
    """None where the token was revoked, or belongs to a closed account."""
    wanted = select(tokens.c.namespace, tokens.c.kind, tokens.c.scopes, tokens.c.expires_ns, users.c.is_active)
    row = db.execute(
        wanted.outerjoin_from(tokens, users, users.c.id == tokens.c.namespace).where(tokens.c.id == number)
    ).one_or_none()
    if row is None or row.is_active is False:
        return None
    return Bearer(row.namespace if row.kind == ROBOT else None, read_scopes(row.scopes), row.expires_ns)


def read_place(db: Connection, name: str) -> Place:
    """As many questions for a repository that is there as for one that is not: the time tells nothing."""
    whose = db.execute(select(namespaces.c.id).where(namespaces.c.name == namespace_of(name))).scalar()
    c = repositories.c
    found = select(c.id, c.namespace, c.is_public, grants.c.user, grants.c.team, grants.c.role)
    rows = db.execute(found.outerjoin(grants, grants.c.repository == c.id).where(c.name == name)).all()
    if not rows:
        return Place(None, whose, False, {}, {})
    people = {row.user: row.role for row in rows if row.user is not None}
    teams = {row.team: row.role for row in rows if row.team is not None}
    return Place(rows[0].id, rows[0].namespace, rows[0].is_public, people, teams)
