"""Organisations: a namespace of several people, each with a role in all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from capas.errors import Conflict, NotFound
from capas.hub.people.access import Role
from capas.hub.people.accounts import number_of as number_of_user
from capas.hub.people.audit import By, note
from capas.hub.people.namespaces import ORGANISATION, add_namespace, number_of, remove_namespace
from capas.hub.records.changes import RIGHTS, note_change
from capas.hub.records.database import Database
from capas.hub.records.tables.people import members, namespaces

_N, _M = namespaces.c, members.c


class Organisation(NamedTuple):
    """An organisation. `number` is its key in the records."""

    number: int
    name: str
    display_name: str
    description: str
    created_ns: int


class Member(NamedTuple):
    """A person of an organisation."""

    name: str
    display_name: str
    role: Role


_ORGANISATION = select(_N.id, _N.name, _N.display_name, _N.description, _N.created_ns).where(_N.kind == ORGANISATION)


def create_organisation(
    database: Database, name: str, profile: Mapping[str, str], owner: int, by: By, *, adopt: bool = False
) -> None:
    """Make it, with this user as its owner. `adopt`: take what is nobody's and is called so.

    Raises: Invalid, AlreadyExists.
    """

    def create(db: Connection) -> None:
        number = add_namespace(database, db, name, ORGANISATION, by, adopt=adopt)
        if profile:
            db.execute(namespaces.update().where(_N.id == number).values(dict(profile)))
        db.execute(members.insert().values(organisation=number, user=owner, role="owner"))
        note(db, by, "organisation.create", name)

    database.write(create)


def find_organisation(database: Database, name: str) -> Organisation | None:
    """By its name."""
    row = database.read(lambda db: db.execute(_ORGANISATION.where(_N.name == name)).one_or_none())
    return Organisation(*row) if row else None


def list_organisations(
    database: Database, *, user: int | None = None, after: str = "", limit: int = 100
) -> list[Organisation]:
    """All, or those of a user, whose names sort after `after`, in order."""
    wanted = _ORGANISATION.where(_N.name > after).order_by(_N.name).limit(limit)
    if user is not None:
        wanted = wanted.where(_N.id.in_(select(_M.organisation).where(_M.user == user)))
    return database.read(lambda db: [Organisation(*row) for row in db.execute(wanted).all()])


def delete_organisation(database: Database, name: str, by: By, *, with_repositories: bool = False) -> list[str]:
    """Forget it with teams, robots and, if wanted, its repositories, whose names are given.

    Raises: NotFound, Conflict.
    """

    def delete(db: Connection) -> list[str]:
        number = number_of(db, name, ORGANISATION)
        gone = remove_namespace(database, db, number, with_repositories=with_repositories)
        note(db, by, "organisation.delete", name, detail={"repositories": gone[:100]})
        return gone

    return database.write(delete)


def list_members(database: Database, organisation: str) -> list[Member]:
    """By name."""
    people = namespaces.alias("people")
    wanted = select(people.c.name, people.c.display_name, _M.role).join_from(members, people, people.c.id == _M.user)
    of_it = wanted.join(namespaces, _N.id == _M.organisation).where(_N.name == organisation).order_by(people.c.name)
    return database.read(lambda db: [Member(*row) for row in db.execute(of_it).all()])


def set_member(database: Database, organisation: str, user: str, role: Role, by: By) -> None:
    """Take a person in, or give another role. Raises: NotFound; Conflict for the last owner."""

    def change(db: Connection) -> None:
        number, person = number_of(db, organisation, ORGANISATION), number_of_user(db, user)
        if role != "owner":
            _keep_an_owner(db, number, person)
        row = database.insert(members).values(organisation=number, user=person, role=role)
        db.execute(row.on_conflict_do_update(index_elements=["organisation", "user"], set_={"role": role}))
        note_change(database, db, RIGHTS)
        note(db, by, "organisation.member", organisation, detail={"user": user, "role": role})

    database.write(change)


def remove_member(database: Database, organisation: str, user: str, by: By) -> None:
    """Raises: NotFound; Conflict for the last owner."""

    def remove(db: Connection) -> None:
        number, person = number_of(db, organisation, ORGANISATION), number_of_user(db, user)
        _keep_an_owner(db, number, person)
        if not db.execute(members.delete().where(_M.organisation == number, _M.user == person)).rowcount:
            raise NotFound("{user} is no member of {organisation}", user=user, organisation=organisation)
        note_change(database, db, RIGHTS)
        note(db, by, "organisation.leave", organisation, detail={"user": user})

    database.write(remove)


def _keep_an_owner(db: Connection, organisation: int, without: int) -> None:
    owners = select(_M.user).where(_M.organisation == organisation, _M.role == "owner").with_for_update()
    if set(db.execute(owners).scalars()) == {without}:
        raise Conflict("the organisation would be without an owner", hint="make somebody else an owner before")
