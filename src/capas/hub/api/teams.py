"""Teams of an organisation. Members see them, owners change them."""

from __future__ import annotations

import msgspec

from capas.hub.api.operation import Ask, Operation, Page, Taken
from capas.hub.people import teams
from capas.hub.people.required import require_role


class TeamSeen(msgspec.Struct, frozen=True):
    """A team, and how many are in it."""

    name: str
    people: int


class TeamWanted(Taken, frozen=True):
    """A team to be made."""

    name: str


class TeamPerson(msgspec.Struct, frozen=True):
    """Somebody in a team."""

    name: str


def list_teams(ask: Ask, name: str) -> Page[TeamSeen]:
    """The teams, by name. For members."""
    require_role(ask.hub, ask.identity, name, "reader")
    return Page([TeamSeen(*one) for one in teams.list_teams(ask.hub.database, name)])


def create_team(ask: Ask, name: str, *, body: TeamWanted) -> TeamSeen:
    """Make a team. For owners."""
    require_role(ask.hub, ask.identity, name, "owner")
    teams.create_team(ask.hub.database, name, body.name, ask.by)
    return TeamSeen(body.name, 0)


def remove_team(ask: Ask, name: str, team: str) -> None:
    """Delete a team; its people lose what they had by it. For owners."""
    require_role(ask.hub, ask.identity, name, "owner")
    teams.delete_team(ask.hub.database, name, team, ask.by)


def list_people(ask: Ask, name: str, team: str) -> Page[TeamPerson]:
    """Who is in a team, by name. For members."""
    require_role(ask.hub, ask.identity, name, "reader")
    return Page([TeamPerson(one) for one in teams.list_people(ask.hub.database, name, team)])


def add_person(ask: Ask, name: str, team: str, user: str) -> None:
    """Take somebody into a team. For owners."""
    require_role(ask.hub, ask.identity, name, "owner")
    teams.add_person(ask.hub.database, (name, team), user, ask.by)


def remove_person(ask: Ask, name: str, team: str, user: str) -> None:
    """Let somebody go from a team. For owners."""
    require_role(ask.hub, ask.identity, name, "owner")
    teams.remove_person(ask.hub.database, (name, team), user, ask.by)


OPERATIONS = (
    Operation("GET", "/organisations/{name}/teams", list_teams),
    Operation("POST", "/organisations/{name}/teams", create_team, status=201),
    Operation("DELETE", "/organisations/{name}/teams/{team}", remove_team),
    Operation("GET", "/organisations/{name}/teams/{team}/people", list_people),
    Operation("PUT", "/organisations/{name}/teams/{team}/people/{user}", add_person),
    Operation("DELETE", "/organisations/{name}/teams/{team}/people/{user}", remove_person),
)
