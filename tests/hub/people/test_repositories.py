"""What owners do with repositories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import AlreadyExists, Invalid, NotFound
from capas.hub.app import create_app
from capas.hub.finding.query import Query
from capas.hub.finding.search import search
from capas.hub.hub import Hub, Options
from capas.hub.keeping.collect import collect
from capas.hub.people import repositories
from capas.hub.people.access import Identity
from capas.hub.people.organisations import create_organisation
from capas.hub.people.repositories import Grant
from capas.hub.people.teams import add_person, create_team
from capas.oci.digest import Digest
from support.claims import hold
from support.people import KEEPER, NOW_NS, person

ANYBODY = Identity()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """With ana, who owns ana/app and its one blob, and eva."""
    app = create_app(tmp_path, options=Options(open=False, grace_seconds=0), now_ns=lambda: NOW_NS)
    for name in ("ana", "eva"):
        person(app.hub.database, name)
    hold(app.hub.database, "ana/app", Digest.of(b"x"), NOW_NS - 1)
    yield app.hub
    app.close()


def who(hub: Hub, name: str) -> Identity:
    from capas.hub.people.accounts import find_user

    found = find_user(hub.database, name)
    assert found is not None
    return Identity(name, found.number)


def found_by(hub: Hub, identity: Identity, words: str) -> list[str]:
    return [one.name for one in search(hub, identity, Query(words)).results]


def test_what_is_made_public_is_pulled_and_found_by_anybody_and_hidden_again(hub: Hub) -> None:
    for is_public in (False, True, False):
        repositories.set_visibility(hub.database, "ana/app", is_public, KEEPER)
        assert hub.authorise(ANYBODY, "ana/app", "pull") == is_public
        assert found_by(hub, ANYBODY, "app") == (["ana/app"] if is_public else [])
        assert found_by(hub, who(hub, "ana"), "app") == ["ana/app"]


def test_a_repository_is_found_by_the_words_that_describe_it(hub: Hub) -> None:
    ana = who(hub, "ana")
    repositories.describe(hub.database, "ana/app", {"description": "a quick proxy"}, KEEPER)
    repositories.describe(hub.database, "ana/app", {"readme": "# Written in Rust"}, KEEPER)
    assert found_by(hub, ana, "proxy rust") == ["ana/app"]
    repositories.describe(hub.database, "ana/app", {"description": ""}, KEEPER)
    assert found_by(hub, ana, "proxy") == []


def test_a_role_in_one_repository_is_given_changed_and_taken_away(hub: Hub) -> None:
    eva = who(hub, "eva")
    repositories.set_grant(hub.database, "ana/app", Grant("user", "eva", "reader"), KEEPER)
    repositories.set_grant(hub.database, "ana/app", Grant("user", "eva", "writer"), KEEPER)
    assert repositories.list_grants(hub.database, "ana/app") == [Grant("user", "eva", "writer")]
    assert hub.authorise(eva, "ana/app", "push")
    assert found_by(hub, eva, "app") == ["ana/app"]
    repositories.remove_grant(hub.database, "ana/app", "user", "eva", KEEPER)
    assert not hub.authorise(eva, "ana/app", "pull")
    with pytest.raises(NotFound):
        repositories.remove_grant(hub.database, "ana/app", "user", "eva", KEEPER)


def test_a_team_gets_roles_in_the_repositories_of_its_organisation_alone(hub: Hub) -> None:
    create_organisation(hub.database, "acme", {}, who(hub, "ana").user or 0, KEEPER)
    create_team(hub.database, "acme", "devs", KEEPER)
    add_person(hub.database, ("acme", "devs"), "eva", KEEPER)
    with pytest.raises(NotFound):
        repositories.set_grant(hub.database, "ana/app", Grant("team", "devs", "owner"), KEEPER)
    repositories.rename(hub.database, "ana/app", "acme/app", KEEPER)
    repositories.set_grant(hub.database, "acme/app", Grant("team", "devs", "owner"), KEEPER)
    assert hub.authorise(who(hub, "eva"), "acme/app", "manage")
    repositories.rename(hub.database, "acme/app", "ana/app", KEEPER)
    assert not hub.authorise(who(hub, "eva"), "ana/app", "pull")
    assert repositories.list_grants(hub.database, "ana/app") == []


def test_a_renamed_repository_is_there_under_its_new_name_alone(hub: Hub) -> None:
    ana = who(hub, "ana")
    repositories.describe(hub.database, "ana/app", {"description": "a quick proxy"}, KEEPER)
    repositories.rename(hub.database, "ana/app", "ana/proxy", KEEPER)
    assert found_by(hub, ana, "quick") == ["ana/proxy"]
    assert hub.links.find_link("ana/proxy", Digest.of(b"x"))
    assert hub.links.find_link("ana/app", Digest.of(b"x")) is None
    hold(hub.database, "ana/app", Digest.of(b"x"), NOW_NS)
    with pytest.raises(AlreadyExists):
        repositories.rename(hub.database, "ana/app", "ana/proxy", KEEPER)
    for name in ("app", "Ana/app", "ana/", "../app"):
        with pytest.raises(Invalid):
            repositories.rename(hub.database, "ana/app", name, KEEPER)


def test_what_a_deleted_repository_held_is_freed(hub: Hub) -> None:
    ingest = hub.blobs.ingest("1" * 64)
    ingest.write(b"x")
    ingest.commit(Digest.of(b"x"))
    repositories.set_grant(hub.database, "ana/app", Grant("user", "eva", "reader"), KEEPER)
    repositories.delete(hub.database, "ana/app", KEEPER)
    assert repositories.find_repository_named(hub.database, "ana/app") is None
    collect(hub)
    assert not hub.blobs.contains(Digest.of(b"x"))
    with pytest.raises(NotFound):
        repositories.delete(hub.database, "ana/app", KEEPER)
