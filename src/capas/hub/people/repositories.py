"""What owners do with repositories: show or hide them, describe, rename and delete them, and say who may what there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from capas.errors import AlreadyExists, Invalid, NotFound
from capas.hub.distribution.names import is_repository
from capas.hub.people.access import Role
from capas.hub.people.accounts import number_of as number_of_user
from capas.hub.people.audit import By, note
from capas.hub.people.names import namespace_of
from capas.hub.people.namespaces import ORGANISATION
from capas.hub.people.teams import find_team
from capas.hub.records.changes import RIGHTS, note_change
from capas.hub.records.database import Database
from capas.hub.records.postings import index_repository
from capas.hub.records.repositories import delete_repository, find_repository, move_repository
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import grants, namespaces, teams
from capas.hub.records.words import Named

_R, _G, _N = repositories.c, grants.c, namespaces.c


class Repository(NamedTuple):
    """What is said of a repository. Times are ns since 1970."""

    name: str
    is_public: bool
    is_official: bool
    description: str
    readme: str
    created_ns: int
    updated_ns: int


class Grant(NamedTuple):
    """A role in a repository, of a person or a team."""

    kind: Literal["user", "team"]
    name: str
    role: Role


def find_repository_named(database: Database, name: str) -> Repository | None:
    """By its name."""
    shown = select(_R.name, _R.is_public, _R.is_official, _R.description, _R.readme, _R.created_ns, _R.updated_ns)
    row = database.read(lambda db: db.execute(shown.where(_R.name == name)).one_or_none())
    return Repository(*row) if row else None


def set_visibility(database: Database, name: str, is_public: bool, by: By) -> None:
    """Let anybody pull, or only those with a role. Raises: NotFound."""

    def change(db: Connection) -> None:
        number = _get(db, name)
        db.execute(repositories.update().where(_R.id == number).values(is_public=is_public))
        note_change(database, db, RIGHTS)
        note(db, by, "repository.publish" if is_public else "repository.hide", name)

    database.write(change)


def describe(database: Database, name: str, values: Mapping[str, str], by: By) -> None:
    """Change description (one line) and readme (Markdown): those that are given. Raises: NotFound."""

    def change(db: Connection) -> None:
        number = _get(db, name)
        db.execute(repositories.update().where(_R.id == number).values(dict(values)))
        texts = db.execute(select(_R.description, _R.readme).where(_R.id == number)).one()
        index_repository(database, db, number, Named(name, texts.description, texts.readme))
        note(db, by, "repository.describe", name, detail={"changed": sorted(values)})

    if values:
        database.write(change)


def rename(database: Database, name: str, new: str, by: By) -> None:
    """Another name, in the same namespace or another one; who had a role only by the old namespace has none any more.

    Raises: Invalid, NotFound, AlreadyExists.
    """
    if not (is_repository(new) and namespace_of(new)):
        raise Invalid("not the name of a repository: {name}", name=new[:100], hint="write it as namespace/name")

    def change(db: Connection) -> None:
        number = _get(db, name)
        if find_repository(db, new) is not None:
            raise AlreadyExists("the name {name} is taken", name=new, hint="choose another name")
        move_repository(database, db, number, new)
        if namespace_of(new) != namespace_of(name):
            db.execute(grants.delete().where(_G.repository == number, _G.team.is_not(None)))
        note(db, by, "repository.rename", new, detail={"from": name})

    database.write(change)


def delete(database: Database, name: str, by: By) -> None:
    """Forget it with all tags and manifests. What its blobs took is freed by the next `collect`. Raises: NotFound."""

    def forget(db: Connection) -> None:
        delete_repository(database, db, _get(db, name))
        note(db, by, "repository.delete", name)

    database.write(forget)


def list_grants(database: Database, name: str) -> list[Grant]:
    """The roles given in this repository alone: people, then teams, by name. Raises: NotFound."""

    def find(db: Connection) -> list[Grant]:
        here = _G.repository == _get(db, name)
        people = select(_N.name, _G.role).join_from(grants, namespaces, _N.id == _G.user).where(here)
        of_teams = select(teams.c.name, _G.role).join_from(grants, teams, teams.c.id == _G.team).where(here)
        return [
            *(Grant("user", *row) for row in db.execute(people.order_by(_N.name))),
            *(Grant("team", *row) for row in db.execute(of_teams.order_by(teams.c.name))),
        ]

    return database.read(find)


def set_grant(database: Database, name: str, grant: Grant, by: By) -> None:
    """Give a person, or a team of the repository's organisation, a role here. Raises: NotFound."""

    def change(db: Connection) -> None:
        number = _get(db, name)
        column, holder = _holder(db, name, grant.kind, grant.name)
        db.execute(grants.delete().where(_G.repository == number, column == holder))
        db.execute(grants.insert().values({"repository": number, column.name: holder, "role": grant.role}))
        note_change(database, db, RIGHTS)
        note(db, by, "repository.grant", name, detail=grant._asdict())

    database.write(change)


def remove_grant(database: Database, name: str, kind: str, holder: str, by: By) -> None:
    """Raises: NotFound."""

    def remove(db: Connection) -> None:
        number = _get(db, name)
        column, held_by = _holder(db, name, kind, holder)
        if not db.execute(grants.delete().where(_G.repository == number, column == held_by)).rowcount:
            raise NotFound("{holder} has no role of its own in {name}", holder=holder, name=name)
        note_change(database, db, RIGHTS)
        note(db, by, "repository.revoke", name, detail={"kind": kind, "name": holder})

    database.write(remove)


def _holder(db: Connection, repository: str, kind: str, name: str) -> tuple[ColumnElement[int], int]:
    """The column of grants, and the number in it. A team is looked for in the repository's own organisation alone."""
    if kind == "user":
        return _G.user, number_of_user(db, name)
    owner = select(_N.name).join(repositories, _R.namespace == _N.id)
    organisation = db.execute(owner.where(_R.name == repository, _N.kind == ORGANISATION)).scalar()
    if organisation is None:
        raise NotFound("there is no such team: {name}", name=name[:100])
    return _G.team, find_team(db, organisation, name)


def _get(db: Connection, name: str) -> int:
    found = find_repository(db, name)
    if found is None:
        raise NotFound("there is no repository {repository} here", repository=name[:255])
    return found
