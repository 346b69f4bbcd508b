"""Organisations: one's own, and in each the members, the teams and the settings."""

from __future__ import annotations

from starlette.responses import Response

from capas.errors import NotFound
from capas.hub.pages.acting import act, chosen, confirm_name, field, role_field
from capas.hub.pages.frame import page_route
from capas.hub.pages.namespace_frame import Owned, get_owned
from capas.hub.pages.visit import Visit
from capas.hub.people import organisations, teams
from capas.hub.people.access import ROLES
from capas.hub.people.namespaces import ORGANISATION, rename_namespace, set_profile

_MINE = "/settings/organisations"


def show_mine(visit: Visit, *, error: str = "") -> Response:
    """The organisations of the reader."""
    visit.require_person()
    found = organisations.list_organisations(visit.hub.database, user=visit.identity.user)
    roles = {one.name: visit.hub.rights.role_in(visit.identity, one.name) for one in found}
    return visit.page("organisations.html", organisations=found, roles=roles, error=error)


def create_one(visit: Visit) -> Response:
    """A new one, which the reader owns."""
    visit.require_person()
    return act(visit, show_mine, lambda: _create(visit), f"/u/{field(visit, 'name')}/-/members")


def show_members(visit: Visit, *, error: str = "") -> Response:
    """Who belongs to it, for members."""
    owned = _organisation(visit, changes=False)
    found = organisations.list_members(visit.hub.database, owned.name)
    return visit.page("members.html", owner=owned, tab="members", members=found, roles=ROLES, error=error)


def change_members(visit: Visit) -> Response:
    """Take in, give another role, let go; whoever wants to may leave."""
    leaving = field(visit, "do") == "remove" and field(visit, "user") == visit.identity.name
    owned = _organisation(visit, changes=not leaving)
    place = _MINE if leaving else f"{owned.path}/-/members"
    work = chosen(visit, {"set": _set_member, "remove": _remove_member})
    return act(visit, show_members, lambda: work(visit, owned.name), place)


def show_teams(visit: Visit, *, error: str = "") -> Response:
    """Its teams and who is in them, for members."""
    owned = _organisation(visit, changes=False)
    found = [
        (one.name, teams.list_people(visit.hub.database, owned.name, one.name))
        for one in teams.list_teams(visit.hub.database, owned.name)
    ]
    return visit.page("teams.html", owner=owned, tab="teams", teams=found, error=error)


def change_teams(visit: Visit) -> Response:
    """Make and delete teams, take people in and let them go."""
    owned = _organisation(visit, changes=True)
    works = {"create": _create_team, "delete": _delete_team, "add": _add_person, "remove": _remove_person}
    work = chosen(visit, works)
    return act(visit, show_teams, lambda: work(visit, owned.name), f"{owned.path}/-/teams")


def show_settings(visit: Visit, *, error: str = "") -> Response:
    """What it says of itself, its name, its end; for owners."""
    owned = _organisation(visit, changes=True)
    return visit.page("organisation_settings.html", owner=owned, tab="settings", error=error)


def change_settings(visit: Visit) -> Response:
    """The form `do`."""
    owned = _organisation(visit, changes=True)
    works = {"profile": _set_profile, "rename": _rename, "delete": _delete}
    new = {"rename": f"/u/{field(visit, 'new')}/-/settings", "delete": _MINE}
    place = new.get(field(visit, "do"), f"{owned.path}/-/settings")
    work = chosen(visit, works)
    return act(visit, show_settings, lambda: work(visit, owned.name), place)


def _organisation(visit: Visit, *, changes: bool) -> Owned:
    owned = get_owned(visit, "owner" if changes else "reader")
    if not owned.is_organisation:
        raise NotFound("there is no such organisation: {name}", name=owned.name)
    return owned


def _create(visit: Visit) -> str:
    name, user = field(visit, "name"), visit.identity.user or 0
    profile = {"display_name": field(visit, "display_name")[:200]}
    is_admin = visit.hub.rights.is_admin(visit.identity)
    organisations.create_organisation(visit.hub.database, name, profile, user, visit.by, adopt=is_admin)
    return visit.say("{name} is there, and you own it.", name=name)


def _set_member(visit: Visit, name: str) -> str:
    user, role = field(visit, "user"), role_field(visit)
    organisations.set_member(visit.hub.database, name, user, role, visit.by)
    return visit.say("{user} is {role} now.", user=user, role=visit.say_role(role))


def _remove_member(visit: Visit, name: str) -> str:
    user = field(visit, "user")
    organisations.remove_member(visit.hub.database, name, user, visit.by)
    return visit.say("{user} is no member any more.", user=user)


def _create_team(visit: Visit, name: str) -> str:
    team = field(visit, "team")
    teams.create_team(visit.hub.database, name, team, visit.by)
    return visit.say("The team {team} is there.", team=team)


def _delete_team(visit: Visit, name: str) -> str:
    team = field(visit, "team")
    teams.delete_team(visit.hub.database, name, team, visit.by)
    return visit.say("The team {team} is gone.", team=team)


def _add_person(visit: Visit, name: str) -> str:
    team, user = field(visit, "team"), field(visit, "user")
    teams.add_person(visit.hub.database, (name, team), user, visit.by)
    return visit.say("{user} is in the team {team} now.", user=user, team=team)


def _remove_person(visit: Visit, name: str) -> str:
    team, user = field(visit, "team"), field(visit, "user")
    teams.remove_person(visit.hub.database, (name, team), user, visit.by)
    return visit.say("{user} is not in the team {team} any more.", user=user, team=team)


def _set_profile(visit: Visit, name: str) -> str:
    values = {key: field(visit, key)[:2000] for key in ("display_name", "description")}
    set_profile(visit.hub.database, name, ORGANISATION, values, visit.by)
    return visit.say("It was saved.")


def _rename(visit: Visit, name: str) -> str:
    new = field(visit, "new")
    rename_namespace(visit.hub.database, name, ORGANISATION, new, visit.by)
    return visit.say("{old} is called {new} now.", old=name, new=new)


def _delete(visit: Visit, name: str) -> str:
    confirm_name(visit, name)
    with_repositories = field(visit, "repositories") == "yes"
    organisations.delete_organisation(visit.hub.database, name, visit.by, with_repositories=with_repositories)
    return visit.say("{name} was deleted.", name=name)


ROUTES = [
    page_route(_MINE, show=show_mine, change=create_one),
    page_route("/u/{name}/-/members", show=show_members, change=change_members),
    page_route("/u/{name}/-/teams", show=show_teams, change=change_teams),
    page_route("/u/{name}/-/settings", show=show_settings, change=change_settings),
]
