"""Organisations, their members and teams."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.errors import AlreadyExists, Conflict, Invalid, NotFound
from capas.hub.app import create_app
from capas.hub.hub import Options
from capas.hub.people import closing, namespaces, organisations, teams
from capas.hub.people.access import Identity, Role, Scope
from capas.hub.people.accounts import NewUser, create_user
from capas.hub.people.audit import By, list_entries
from capas.hub.people.organisations import Member
from capas.hub.people.rights import Rights
from capas.hub.people.teams import Team
from capas.hub.people.tokens import ROBOT, list_tokens
from capas.hub.records.database import Database
from capas.hub.watch.collecting import prune_audit
from support.people import DAY_NS, KEEPER, NOW_NS, bearer, person, repository

IN_BOTH_DATABASES = True


@pytest.fixture
def rights(database: Database) -> Rights:
    return Rights(database, lambda: NOW_NS)


@pytest.fixture
def ana(database: Database) -> Identity:
    """The owner of acme."""
    found = person(database, "ana")
    organisations.create_organisation(database, "acme", {}, found.user or 0, KEEPER)
    return found


def acme(database: Database) -> Identity:
    found = organisations.find_organisation(database, "acme")
    assert found is not None
    return Identity("acme", found.number)


def test_who_makes_an_organisation_owns_it(database: Database, rights: Rights, ana: Identity) -> None:
    assert organisations.list_members(database, "acme") == [Member("ana", "", "owner")]
    assert rights.role_in(ana, "acme") == "owner"
    assert rights.role_of(ana, "acme/new") == "owner"


def test_people_and_organisations_share_their_names(database: Database, ana: Identity) -> None:
    with pytest.raises(AlreadyExists):
        person(database, "acme")
    with pytest.raises(AlreadyExists):
        organisations.create_organisation(database, "ana", {}, ana.user or 0, KEEPER)
    with pytest.raises(Invalid):
        organisations.create_organisation(database, "library", {}, ana.user or 0, KEEPER)


def test_images_that_are_nobodys_are_not_taken_by_taking_their_name(database: Database, rights: Rights) -> None:
    eva = person(database, "eva")
    repository(database, "old/app", None)
    with pytest.raises(AlreadyExists):
        organisations.create_organisation(database, "old", {}, eva.user or 0, KEEPER)
    assert rights.role_of(eva, "old/app") is None
    organisations.create_organisation(database, "old", {}, eva.user or 0, KEEPER, adopt=True)
    assert rights.role_of(eva, "old/app") == "owner"


@pytest.mark.parametrize("role", ["reader", "writer", "maintainer", "owner"])
def test_a_member_has_the_role_that_was_given_last(
    database: Database, rights: Rights, ana: Identity, role: Role
) -> None:
    eva = person(database, "eva")
    organisations.set_member(database, "acme", "eva", "writer", KEEPER)
    organisations.set_member(database, "acme", "eva", role, KEEPER)
    assert rights.role_of(eva, "acme/app") == role
    organisations.remove_member(database, "acme", "eva", KEEPER)
    assert rights.role_of(eva, "acme/app") is None
    with pytest.raises(NotFound):
        organisations.remove_member(database, "acme", "eva", KEEPER)


def test_an_organisation_keeps_an_owner(database: Database, ana: Identity) -> None:
    person(database, "eva")
    organisations.set_member(database, "acme", "eva", "maintainer", KEEPER)
    with pytest.raises(Conflict):
        organisations.remove_member(database, "acme", "ana", KEEPER)
    with pytest.raises(Conflict):
        organisations.set_member(database, "acme", "ana", "reader", KEEPER)
    with pytest.raises(Conflict):
        closing.delete_user(database, "ana", KEEPER)
    organisations.set_member(database, "acme", "eva", "owner", KEEPER)
    organisations.remove_member(database, "acme", "ana", KEEPER)
    assert organisations.list_members(database, "acme") == [Member("eva", "", "owner")]


def test_who_is_in_a_team_has_the_teams_roles_and_loses_them_with_it(
    database: Database, rights: Rights, ana: Identity
) -> None:
    from capas.hub.people.repositories import Grant, set_grant

    eva = person(database, "eva")
    repository(database, "acme/app", acme(database))
    teams.create_team(database, "acme", "devs", KEEPER)
    teams.add_person(database, ("acme", "devs"), "eva", KEEPER)
    teams.add_person(database, ("acme", "devs"), "eva", KEEPER)
    assert teams.list_teams(database, "acme") == [Team("devs", 1)]
    set_grant(database, "acme/app", Grant("team", "devs", "writer"), KEEPER)
    assert rights.role_of(eva, "acme/app") == "writer"
    teams.remove_person(database, ("acme", "devs"), "eva", KEEPER)
    assert rights.role_of(eva, "acme/app") is None
    teams.add_person(database, ("acme", "devs"), "eva", KEEPER)
    teams.delete_team(database, "acme", "devs", KEEPER)
    assert rights.role_of(eva, "acme/app") is None


def test_a_team_is_found_in_its_own_organisation_alone(database: Database, ana: Identity) -> None:
    organisations.create_organisation(database, "other", {}, ana.user or 0, KEEPER)
    teams.create_team(database, "acme", "devs", KEEPER)
    with pytest.raises(AlreadyExists):
        teams.create_team(database, "acme", "devs", KEEPER)
    with pytest.raises(NotFound):
        teams.delete_team(database, "other", "devs", KEEPER)
    with pytest.raises(NotFound):
        teams.list_people(database, "nowhere", "devs")


def test_an_organisation_goes_with_its_repositories_only_where_that_is_said(
    database: Database, rights: Rights, ana: Identity
) -> None:
    repository(database, "acme/app", acme(database), is_public=True)
    robot = bearer(database, "acme", "ci", ("acme/*", "writer"), kind=ROBOT)
    with pytest.raises(Conflict):
        organisations.delete_organisation(database, "acme", KEEPER)
    assert rights.authorise(robot, "acme/app", "push")
    assert organisations.delete_organisation(database, "acme", KEEPER, with_repositories=True) == ["acme/app"]
    assert not rights.authorise(Identity(), "acme/app", "pull")
    assert not rights.authorise(robot, "acme/app", "pull")
    assert organisations.find_organisation(database, "acme") is None


def test_a_user_goes_with_everything_of_theirs(database: Database, rights: Rights) -> None:
    ana, eva = person(database, "ana"), person(database, "eva", is_admin=True)
    repository(database, "ana/app", ana, is_public=True)
    token = bearer(database, "ana", "ci")
    with pytest.raises(Conflict):
        closing.delete_user(database, "ana", KEEPER)
    closing.delete_user(database, "ana", KEEPER, with_repositories=True)
    assert not rights.authorise(Identity(), "ana/app", "pull")
    assert not rights.authorise(token, "ana/new", "push")
    with pytest.raises(Conflict):
        closing.delete_user(database, "eva", KEEPER)
    assert rights.is_admin(eva)


def test_another_name_is_that_of_repositories_and_robots_too(database: Database, rights: Rights, ana: Identity) -> None:
    repository(database, "acme/app", acme(database))
    robot = bearer(database, "acme", "ci", ("acme/a*", "writer"), kind=ROBOT)
    namespaces.rename_namespace(database, "acme", "organisation", "apex", KEEPER)
    assert rights.role_of(ana, "apex/app") == "owner"
    assert rights.role_of(ana, "acme/app") is None
    assert rights.role_of(robot, "apex/app") == "writer"
    assert list_tokens(database, "apex", ROBOT)[0].scopes == (Scope("apex/a*", "writer"),)


@pytest.mark.parametrize("new", ["ana", "library", "Bad", "old"])
def test_a_name_that_is_taken_is_not_given_again(database: Database, ana: Identity, new: str) -> None:
    repository(database, "old/app", None)
    with pytest.raises((AlreadyExists, Invalid)):
        namespaces.rename_namespace(database, "acme", "organisation", new, KEEPER)


def test_old_entries_of_the_log_go_and_new_ones_stay(tmp_path: Path) -> None:
    for days, left in ((400, ["user.create", "user.create"]), (9, ["user.create"]), (0, ["user.create"])):
        options = Options(open=False, audit_days=days)
        app = create_app(tmp_path, options=options, now_ns=lambda: NOW_NS + 20 * DAY_NS)
        if days == 400:
            person(app.hub.database, "ana")
            create_user(app.hub.database, NewUser("eva"), By("keeper", "", NOW_NS + 15 * DAY_NS))
        prune_audit(app.hub)
        assert [entry.action for entry in list_entries(app.hub.database)] == left
        app.close()


def test_owners_find_in_the_log_what_was_done_in_their_namespace_and_nothing_else(
    database: Database, ana: Identity
) -> None:
    bearer(database, "acme", "ci", ("acme/*", "writer"), kind=ROBOT)
    person(database, "acme2")
    seen = [(entry.action, entry.target) for entry in list_entries(database, namespaces=["acme"])]
    assert seen == [("robot.create", "acme+ci"), ("organisation.create", "acme")]
