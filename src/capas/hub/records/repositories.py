"""Repositories by name, and the number that rows of other tables know them by."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, bindparam, exists, select

from capas.hub.records.changes import RIGHTS, note_change
from capas.hub.records.database import Database
from capas.hub.records.immutable import refuse_emptying
from capas.hub.records.postings import index_repository
from capas.hub.records.quota import admit
from capas.hub.records.tables.images import links, manifests, repositories
from capas.hub.records.tables.people import namespaces
from capas.hub.records.words import Named

OFFICIAL = "library/"
_NAMESPACE = select(namespaces.c.id).where(namespaces.c.name == bindparam("first"))
_BY_NAME = select(repositories.c.id).where(repositories.c.name == bindparam("a_name"))


def find_repository(db: Connection, name: str) -> int | None:
    """Its number, None where nothing was ever pushed there."""
    found: int | None = db.execute(_BY_NAME, {"a_name": name}).scalar()
    return found


def make_repository(database: Database, db: Connection, name: str, now_ns: int) -> int:
    """Its number; made if need be: private where its namespace is somebody's, official and public in `library/`."""
    found = find_repository(db, name)
    if found is not None:
        return found
    whose = find_namespace(db, name)
    line = database.insert(repositories).values(
        name=name,
        namespace=whose,
        is_public=whose is None,
        is_official=name.startswith(OFFICIAL),
        created_ns=now_ns,
        updated_ns=now_ns,
    )
    made = db.execute(line.on_conflict_do_nothing().returning(repositories.c.id)).scalar()
    if made is not None:
        index_repository(database, db, made, Named(name))
        note_change(database, db, RIGHTS)
    return made or find_repository(db, name) or 0


def move_repository(database: Database, db: Connection, number: int, new: str) -> None:
    """Call it otherwise, and have it found so; it belongs to the namespace that its new name says.

    Raises: RuledOut where that one has no room for it.
    """
    c = repositories.c
    whose = find_namespace(db, new)
    is_elsewhere = whose != db.execute(select(c.namespace).where(c.id == number)).scalar()
    values = {"name": new, "namespace": whose, "is_official": new.startswith(OFFICIAL)}
    db.execute(repositories.update().where(c.id == number).values(values))
    if whose is not None and is_elsewhere:
        admit(db, whose)
    row = db.execute(select(c.description, c.readme).where(c.id == number)).one()
    index_repository(database, db, number, Named(new, row.description, row.readme))
    note_change(database, db, RIGHTS)


def find_namespace(db: Connection, name: str) -> int | None:
    """Whose a repository of this name is; None for nobody's."""
    first, slash, _ = name.partition("/")
    found: int | None = db.execute(_NAMESPACE, {"first": first}).scalar()
    return found if slash else None


def delete_repository(database: Database, db: Connection, number: int) -> None:
    """Forget it with all that hangs on it. Its blobs are freed by `collect`. Raises: RuledOut for immutable tags."""
    refuse_emptying(db, number)
    index_repository(database, db, number, Named(""))
    db.execute(repositories.delete().where(repositories.c.id == number))
    note_change(database, db, RIGHTS)


def find_empty(db: Connection) -> bool:
    """Whether `forget_empty` would drop any."""
    return db.execute(select(repositories.c.id).where(*_empty()).limit(1)).scalar() is not None


def forget_empty(database: Database, db: Connection) -> None:
    """Drop the repositories of nobody that hold nothing and of which nobody said anything."""
    if db.execute(repositories.delete().where(*_empty())).rowcount:
        note_change(database, db, RIGHTS)


def _empty() -> tuple[ColumnElement[bool], ...]:
    held = exists().where(links.c.repository == repositories.c.id)
    pushed = exists().where(manifests.c.repository == repositories.c.id)
    plain = (repositories.c.namespace.is_(None), ~repositories.c.is_official, repositories.c.description == "")
    return *plain, ~held, ~pushed
