"""Namespaces: the first part of repositories' names, each a person's or an organisation's. What both can undergo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, Connection, exists, select

from capas.errors import AlreadyExists, Conflict, NotFound
from capas.hub.people.access import Scope
from capas.hub.people.audit import By, note
from capas.hub.people.names import check_namespace
from capas.hub.people.scopes import read_scopes, write_scopes
from capas.hub.records.changes import RIGHTS, note_change
from capas.hub.records.database import Database
from capas.hub.records.repositories import delete_repository, move_repository
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import namespaces, tokens

USER, ORGANISATION = "user", "organisation"
_N, _R = namespaces.c, repositories.c


def add_namespace(database: Database, db: Connection, name: str, kind: str, by: By, *, adopt: bool) -> int:
    """Take the name. `adopt` repositories that are nobody's and are called so; else the name counts as taken.

    Raises: Invalid, AlreadyExists.
    """
    check_namespace(name)
    new = database.insert(namespaces).values(name=name, kind=kind, created_ns=by.now_ns)
    number: int | None = db.execute(new.on_conflict_do_nothing().returning(_N.id)).scalar()
    orphans = (_R.namespace.is_(None), _under(name))
    if number is None or (not adopt and db.execute(select(exists().where(*orphans))).scalar()):
        raise AlreadyExists("the name {name} is taken", name=name, hint="choose another name")
    db.execute(repositories.update().where(*orphans).values(namespace=number))
    note_change(database, db, RIGHTS)
    return number


def number_of(db: Connection, name: str, kind: str) -> int:
    """The number of the user or organisation with this name. Raises: NotFound."""
    found: int | None = db.execute(select(_N.id).where(_N.name == name, _N.kind == kind)).scalar()
    if found is None:
        raise NotFound(
            "there is no such user: {name}" if kind == USER else "there is no such organisation: {name}",
            name=name[:100],
        )
    return found


def set_profile(database: Database, name: str, kind: str, values: Mapping[str, str], by: By) -> None:
    """Change display_name and description: those that are given. Raises: NotFound."""

    def change(db: Connection) -> None:
        number = number_of(db, name, kind)
        if values:
            db.execute(namespaces.update().where(_N.id == number).values(dict(values)))
            note(db, by, f"{kind}.profile", name, detail={"changed": sorted(values)})

    database.write(change)


def rename_namespace(database: Database, name: str, kind: str, new: str, by: By) -> None:
    """Another name, for its repositories and robots too; what was known under the old one is not found any more.

    Raises: Invalid, NotFound, AlreadyExists.
    """

    def rename(db: Connection) -> None:
        number = number_of(db, name, kind)
        check_namespace(new)
        if db.execute(select(exists().where(_N.name == new) | exists().where(_under(new)))).scalar():
            raise AlreadyExists("the name {name} is taken", name=new, hint="choose another name")
        db.execute(namespaces.update().where(_N.id == number).values(name=new))
        for repository, old in list_held(db, number):
            move_repository(database, db, repository, new + old.removeprefix(name))
        _rename_scopes(db, number, name, new)
        note_change(database, db, RIGHTS)
        note(db, by, f"{kind}.rename", new, detail={"from": name})

    database.write(rename)


def remove_namespace(database: Database, db: Connection, number: int, *, with_repositories: bool) -> list[str]:
    """Forget it with all that is its own; the names of its repositories. Raises: Conflict where it has some still."""
    held = list_held(db, number)
    if held and not with_repositories:
        raise Conflict(
            "it has {count} repositories still", count=len(held), hint="delete or rename them before, or say so"
        )
    for repository, _ in held:
        delete_repository(database, db, repository)
    db.execute(namespaces.delete().where(_N.id == number))
    note_change(database, db, RIGHTS)
    return [name for _, name in held]


def list_held(db: Connection, number: int) -> list[tuple[int, str]]:
    """The repositories of a namespace: number and name."""
    rows = db.execute(select(_R.id, _R.name).where(_R.namespace == number).order_by(_R.name)).all()
    return [(row.id, row.name) for row in rows]


def _rename_scopes(db: Connection, number: int, old: str, new: str) -> None:
    """What its own robots and tokens are for is called otherwise now."""
    c = tokens.c
    for row in db.execute(select(c.id, c.scopes).where(c.namespace == number)).all():
        scopes = read_scopes(row.scopes)
        if scopes is not None:
            moved = write_scopes(tuple(_moved(scopes, old + "/", new + "/")))
            db.execute(tokens.update().where(c.id == row.id).values(scopes=moved))


def _moved(scopes: Iterable[Scope], old: str, new: str) -> Iterable[Scope]:
    for scope in scopes:
        pattern = scope.repositories
        yield scope._replace(repositories=new + pattern.removeprefix(old)) if pattern.startswith(old) else scope


def _under(name: str) -> ColumnElement[bool]:
    return _R.name.startswith(f"{name}/", autoescape=True)
