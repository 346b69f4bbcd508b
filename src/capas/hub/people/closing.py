"""Ending an account for good."""

from __future__ import annotations

from sqlalchemy import Connection, select

from capas.errors import Conflict
from capas.hub.finding.stars import unstar_all
from capas.hub.people.accounts import keep_an_administrator, number_of
from capas.hub.people.audit import By, note
from capas.hub.people.namespaces import remove_namespace
from capas.hub.records.database import Database
from capas.hub.records.tables.people import members, namespaces


def delete_user(database: Database, name: str, by: By, *, with_repositories: bool = False) -> list[str]:
    """Forget a person with tokens, sessions, roles and, if wanted, repositories, whose names are given.

    Raises: NotFound; Conflict for the last administrator, the only owner of an organisation, an owner of repositories.
    """

    def delete(db: Connection) -> list[str]:
        number = number_of(db, name)
        keep_an_administrator(db, number)
        if alone := _list_owned_alone(db, number):
            raise Conflict(
                "{name} is the only owner of {organisations}",
                name=name,
                organisations=", ".join(alone),
                hint="make somebody else an owner before, or delete the organisation",
            )
        unstar_all(database, db, number, by.now_ns)
        gone = remove_namespace(database, db, number, with_repositories=with_repositories)
        note(db, by, "user.delete", name, detail={"repositories": gone[:100]})
        return gone

    return database.write(delete)


def _list_owned_alone(db: Connection, user: int) -> list[str]:
    """The organisations that would have no owner without this user."""
    c = members.c
    mine = select(c.organisation).where(c.user == user, c.role == "owner")
    owners: dict[int, set[int]] = {}
    for row in db.execute(select(c.organisation, c.user).where(c.role == "owner", c.organisation.in_(mine))).all():
        owners.setdefault(row.organisation, set()).add(row.user)
    alone = [number for number, people in owners.items() if people == {user}]
    names = select(namespaces.c.name).where(namespaces.c.id.in_(alone)).order_by(namespaces.c.name)
    return list(db.execute(names).scalars())
