"""Accounts that an identity provider vouches for: found by issuer and subject alone, never by name or e-mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from capas.errors import AlreadyExists, Conflict, Denied, NotFound
from capas.hub.people.access import Role, highest
from capas.hub.people.accounts import NewUser, User, add_user, get_user
from capas.hub.people.audit import By, note
from capas.hub.people.oidc import Claims, OidcConfig, parse_place
from capas.hub.people.organisations import list_members, remove_member, set_member
from capas.hub.records.database import Database
from capas.hub.records.tables.people import users

_OTHER = re.compile(r"[^a-z0-9]+")
_U = users.c


def enter(database: Database, config: OidcConfig, claims: Claims, by: By) -> User:
    """The account of somebody who logged in; made where there is none yet and `create` says so.

    Raises: Denied for a closed account, or where none is made; AlreadyExists for a name that another one has.
    """
    user = database.write(lambda db: _find(db, claims) or _make(database, db, config, claims, by))
    if not user.is_active:
        raise Denied("your account in this hub is closed")
    give_roles(database, config, claims, user, by._replace(name=user.name))
    return user


def link(database: Database, claims: Claims, number: int, by: By) -> User:
    """From now on this account may come in by the provider, too.

    Raises: Conflict where either of them is linked with another.
    """

    def change(db: Connection) -> User:
        holder = _find(db, claims)
        if holder is not None and holder.number != number:
            raise Conflict("that identity belongs to another account of this hub")
        linked = db.execute(select(_U.subject).where(_U.id == number, _U.subject.is_not(None))).scalar()
        if linked not in (None, claims.subject):
            raise Conflict("your account is linked with another identity already")
        values = {"issuer": claims.issuer, "subject": claims.subject}
        db.execute(users.update().where(_U.id == number).values(values))
        note(db, by, "user.link", by.name, detail={"issuer": claims.issuer})
        return get_user(db, number)

    return database.write(change)


def give_roles(database: Database, config: OidcConfig, claims: Claims, user: User, by: By) -> None:
    """In the organisations that the configuration names, the groups decide who has which role; nobody else does."""
    for organisation, role in wanted_roles(config.groups, claims.groups).items():
        try:
            now = {member.name: member.role for member in list_members(database, organisation)}.get(user.name)
            if role == now:
                continue
            if role is None:
                remove_member(database, organisation, user.name, by)
            else:
                set_member(database, organisation, user.name, role, by)
        except (NotFound, Conflict):
            continue  # no such organisation yet, or its last owner: the groups do not empty it


def wanted_roles(groups: Mapping[str, str], held: Iterable[str]) -> dict[str, Role | None]:
    """For each organisation that the mapping names, the highest role of the groups that are held.

    >>> wanted_roles({"dev": "acme:writer", "ops": "acme:owner"}, ["dev"])
    {'acme': 'writer'}
    """
    found: dict[str, Role | None] = {}
    for group, place in groups.items():
        organisation, role = parse_place(place)
        found[organisation] = highest(found.get(organisation), role if group in held else None)
    return found


def _find(db: Connection, claims: Claims) -> User | None:
    wanted = select(_U.id).where(_U.issuer == claims.issuer, _U.subject == claims.subject)
    number: int | None = db.execute(wanted).scalar()
    return None if number is None else get_user(db, number)


def _make(database: Database, db: Connection, config: OidcConfig, claims: Claims, by: By) -> User:
    if not config.create:
        raise Denied("you have no account in this hub", hint="ask an administrator of the hub for one")
    name = _OTHER.sub("-", claims.name.lower()).strip("-")[:64].strip("-")
    try:
        made = add_user(
            database, db, NewUser(name, None, claims.full_name, claims.email), None, by._replace(name=name), adopt=False
        )
    except AlreadyExists:
        raise AlreadyExists(
            "the name {name} is taken by an account that is not linked with yours", name=name,
            hint="if it is yours, log in with its password and link them under Settings",
        ) from None  # fmt: skip
    values = {"issuer": claims.issuer, "subject": claims.subject}
    db.execute(users.update().where(_U.id == made.number).values(values))
    return made
