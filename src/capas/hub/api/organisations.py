"""Organisations and their members."""

from __future__ import annotations

import msgspec

from capas.errors import Denied
from capas.hub.api.accounts import Ending, Line, NewName, Text
from capas.hub.api.operation import Ask, Operation, Page, Paging, Taken
from capas.hub.people import organisations
from capas.hub.people.access import Role
from capas.hub.people.namespaces import ORGANISATION, rename_namespace, set_profile
from capas.hub.people.organisations import Organisation
from capas.hub.people.required import not_yours, require_admin, require_role


class OrganisationSeen(msgspec.Struct, frozen=True):
    """An organisation. `role`: what the asker is in the whole of it; null for nobody."""

    name: str
    display_name: str
    description: str
    created_ns: int
    role: Role | None


class OrganisationWanted(Taken, frozen=True):
    """An organisation to be made."""

    name: str
    display_name: Line = ""
    description: Text = ""


class OrganisationProfile(Taken, frozen=True):
    """What an organisation says of itself; what is not given stays."""

    display_name: Line | None = None
    description: Text | None = None


class Listing(Paging, frozen=True):
    """`every`: all of the hub, for administrators; else those in which one is a member."""

    every: bool = False


class MemberSeen(msgspec.Struct, frozen=True):
    """A member and the role in the whole of the organisation."""

    name: str
    display_name: str
    role: Role


class RoleGiven(Taken, frozen=True):
    """A role."""

    role: Role


def list_organisations(ask: Ask, *, query: Listing) -> Page[OrganisationSeen]:
    """Your organisations, by name."""
    if query.every:
        require_admin(ask.hub, ask.identity)
    person = ask.hub.rights.person_of(ask.identity)
    user = None if query.every else person.number if person else 0
    found = organisations.list_organisations(ask.hub.database, user=user, after=query.after, limit=query.limit)
    return Page([_seen(ask, one) for one in found], found[-1].name if len(found) == query.limit else None)


def create_organisation(ask: Ask, *, body: OrganisationWanted) -> OrganisationSeen:
    """Make an organisation, which you own."""
    person = ask.hub.rights.person_of(ask.identity)
    if person is None:
        raise Denied("an organisation is made by a person")
    profile = {"display_name": body.display_name, "description": body.description}
    organisations.create_organisation(
        ask.hub.database, body.name, profile, person.number, ask.by, adopt=person.is_admin
    )
    return _show(ask, body.name)


def get_organisation(ask: Ask, name: str) -> OrganisationSeen:
    """An organisation."""
    return _show(ask, name)


def change_organisation(ask: Ask, name: str, *, body: OrganisationProfile) -> OrganisationSeen:
    """Change what an organisation says of itself. For its owners."""
    require_role(ask.hub, ask.identity, name, "owner")
    given = {key: value for key, value in msgspec.structs.asdict(body).items() if value is not None}
    set_profile(ask.hub.database, name, ORGANISATION, given, ask.by)
    return _show(ask, name)


def rename_organisation(ask: Ask, name: str, *, body: NewName) -> OrganisationSeen:
    """Call an organisation and its repositories otherwise. For its owners."""
    require_role(ask.hub, ask.identity, name, "owner")
    rename_namespace(ask.hub.database, name, ORGANISATION, body.name, ask.by)
    return _show(ask, body.name)


def remove_organisation(ask: Ask, name: str, *, query: Ending) -> None:
    """Delete an organisation. For its owners."""
    require_role(ask.hub, ask.identity, name, "owner")
    organisations.delete_organisation(ask.hub.database, name, ask.by, with_repositories=query.repositories)


def list_members(ask: Ask, name: str) -> Page[MemberSeen]:
    """The members, by name. For members."""
    require_role(ask.hub, ask.identity, name, "reader")
    return Page([MemberSeen(*one) for one in organisations.list_members(ask.hub.database, name)])


def set_member(ask: Ask, name: str, user: str, *, body: RoleGiven) -> MemberSeen:
    """Take a person in, or give another role. For owners."""
    require_role(ask.hub, ask.identity, name, "owner")
    organisations.set_member(ask.hub.database, name, user, body.role, ask.by)
    return next(MemberSeen(*one) for one in organisations.list_members(ask.hub.database, name) if one.name == user)


def remove_member(ask: Ask, name: str, user: str) -> None:
    """Let a person go. For owners, and for whoever wants to go."""
    require_role(ask.hub, ask.identity, name, "reader" if user == ask.identity.name else "owner")
    organisations.remove_member(ask.hub.database, name, user, ask.by)


def _show(ask: Ask, name: str) -> OrganisationSeen:
    found = organisations.find_organisation(ask.hub.database, name)
    if found is None:
        raise not_yours(name)
    return _seen(ask, found)


def _seen(ask: Ask, one: Organisation) -> OrganisationSeen:
    role = ask.hub.rights.role_in(ask.identity, one.name)
    return OrganisationSeen(one.name, one.display_name, one.description, one.created_ns, role)


OPERATIONS = (
    Operation("GET", "/organisations", list_organisations),
    Operation("POST", "/organisations", create_organisation, status=201),
    Operation("GET", "/organisations/{name}", get_organisation),
    Operation("PATCH", "/organisations/{name}", change_organisation),
    Operation("DELETE", "/organisations/{name}", remove_organisation),
    Operation("PUT", "/organisations/{name}/name", rename_organisation),
    Operation("GET", "/organisations/{name}/members", list_members),
    Operation("PUT", "/organisations/{name}/members/{user}", set_member),
    Operation("DELETE", "/organisations/{name}/members/{user}", remove_member),
)
