"""Teams: people of an organisation who get roles in its repositories together."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from capas.errors import AlreadyExists, NotFound
from capas.hub.people.accounts import number_of as number_of_user
from capas.hub.people.audit import By, note
from capas.hub.people.names import check_name
from capas.hub.people.namespaces import ORGANISATION, number_of
from capas.hub.records.changes import RIGHTS, note_change
from capas.hub.records.database import Database
from capas.hub.records.tables.people import namespaces, team_members, teams

_T, _M, _N = teams.c, team_members.c, namespaces.c


class Team(NamedTuple):
    """A team, and how many are in it."""

    name: str
    people: int


def create_team(database: Database, organisation: str, name: str, by: By) -> None:
    """Raises: Invalid, NotFound, AlreadyExists."""
    check_name(name)

    def create(db: Connection) -> None:
        number = number_of(db, organisation, ORGANISATION)
        new = database.insert(teams).values(organisation=number, name=name)
        if db.execute(new.on_conflict_do_nothing().returning(_T.id)).scalar() is None:
            raise AlreadyExists("there is one called {name} already", name=name, hint="choose another name")
        note(db, by, "team.create", organisation, detail={"team": name})

    database.write(create)


def list_teams(database: Database, organisation: str) -> list[Team]:
    """By name."""
    count = func.count(_M.user)
    wanted = select(_T.name, count).join_from(teams, namespaces, _N.id == _T.organisation).outerjoin(team_members)
    of_it = wanted.where(_N.name == organisation).group_by(_T.name).order_by(_T.name)
    return database.read(lambda db: [Team(*row) for row in db.execute(of_it).all()])


def delete_team(database: Database, organisation: str, name: str, by: By) -> None:
    """Its people lose what they had by it. Raises: NotFound."""

    def delete(db: Connection) -> None:
        db.execute(teams.delete().where(_T.id == find_team(db, organisation, name)))
        note_change(database, db, RIGHTS)
        note(db, by, "team.delete", organisation, detail={"team": name})

    database.write(delete)


def list_people(database: Database, organisation: str, name: str) -> list[str]:
    """The names of those in the team, in order. Raises: NotFound."""

    def find(db: Connection) -> list[str]:
        team = find_team(db, organisation, name)
        people = select(_N.name).join_from(team_members, namespaces, _N.id == _M.user)
        return list(db.execute(people.where(_M.team == team).order_by(_N.name)).scalars())

    return database.read(find)


def add_person(database: Database, team: tuple[str, str], user: str, by: By) -> None:
    """Take a person in, who need not be a member of the organisation.

    `team`: organisation and name. Raises: NotFound.
    """

    def add(db: Connection) -> None:
        number, person = find_team(db, *team), number_of_user(db, user)
        db.execute(database.insert(team_members).values(team=number, user=person).on_conflict_do_nothing())
        note_change(database, db, RIGHTS)
        note(db, by, "team.join", team[0], detail={"team": team[1], "user": user})

    database.write(add)


def remove_person(database: Database, team: tuple[str, str], user: str, by: By) -> None:
    """`team`: organisation and name. Raises: NotFound."""

    def remove(db: Connection) -> None:
        number, person = find_team(db, *team), number_of_user(db, user)
        if not db.execute(team_members.delete().where(_M.team == number, _M.user == person)).rowcount:
            raise NotFound("{user} is not in the team {team}", user=user, team=team[1])
        note_change(database, db, RIGHTS)
        note(db, by, "team.leave", team[0], detail={"team": team[1], "user": user})

    database.write(remove)


def find_team(db: Connection, organisation: str, name: str) -> int:
    """Its number. Raises: NotFound."""
    number = number_of(db, organisation, ORGANISATION)
    found: int | None = db.execute(select(_T.id).where(_T.organisation == number, _T.name == name)).scalar()
    if found is None:
        raise NotFound("there is no such team: {name}", name=name[:100])
    return found
