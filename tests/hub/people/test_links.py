"""One-time links: how long they live, and what they open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import AlreadyExists
from capas.hub.people.accounts import NewUser
from capas.hub.people.links import LIFE_NS, accept, make_link, offer_setup
from capas.hub.people.tokens import NewToken, create_token
from support.accounts import Accounts, basic
from support.people import KEEPER, PASSWORD, repository

KIND = {"content-type": "application/json"}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Accounts]:
    found = Accounts(tmp_path)
    yield found
    found.close()


def test_a_newer_first_link_takes_the_place_of_the_older(hub: Accounts) -> None:
    offer_setup(hub.hub.database, "e" * 64, hub.now_ns)
    offer_setup(hub.hub.database, "f" * 64, hub.now_ns)
    assert [hub.send("GET", f"/link/{digit * 64}").status for digit in "ef"] == [404, 200]


def test_the_first_link_is_dead_once_there_is_an_administrator(hub: Accounts) -> None:
    offer_setup(hub.hub.database, "f" * 64, hub.now_ns)
    hub.person("keeper", is_admin=True)
    assert hub.send("GET", f"/link/{'f' * 64}").status == 404


def test_who_is_invited_takes_over_no_repository_of_nobody(hub: Accounts) -> None:
    repository(hub.hub.database, "acme/app", None)
    make_link(hub.hub.database, "f" * 64, None, KEEPER)
    by = KEEPER._replace(now_ns=hub.now_ns)
    with pytest.raises(AlreadyExists, match="the name acme is taken"):
        accept(hub.hub.database, "f" * 64, NewUser("acme", PASSWORD), by)
    assert accept(hub.hub.database, "f" * 64, NewUser("ana", PASSWORD), by).name == "ana"


def test_a_link_ends_after_a_week(hub: Accounts) -> None:
    make_link(hub.hub.database, "f" * 64, None, KEEPER)
    assert hub.send("GET", f"/link/{'f' * 64}").status == 200
    hub.now_ns += LIFE_NS
    assert hub.send("GET", f"/link/{'f' * 64}").status == 404


def test_a_link_is_kept_by_nobody_and_told_to_nobody(hub: Accounts) -> None:
    make_link(hub.hub.database, "f" * 64, None, KEEPER)
    headers = hub.send("GET", f"/link/{'f' * 64}").headers
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    held = b"".join(file.read_bytes() for file in hub.hub.root.glob("records.sqlite*"))
    assert b"f" * 64 not in held


def test_a_second_link_for_a_password_ends_the_first_and_no_invitation(hub: Accounts) -> None:
    hub.person("alice")
    for digit, name in (("c", None), ("d", "alice"), ("e", "alice")):
        make_link(hub.hub.database, digit * 64, name, KEEPER)
    assert [hub.send("GET", f"/link/{digit * 64}").status for digit in "cde"] == [200, 404, 200]


def test_an_administrator_makes_links_by_the_api(hub: Accounts) -> None:
    hub.person("keeper", is_admin=True)
    hub.person("alice")
    for user, purpose in ((None, "invite"), ("alice", "reset")):
        body = json.dumps({"user": user}).encode()
        answer = hub.send("POST", "/api/v1/links", body, {**basic("keeper"), **KIND})
        made = json.loads(answer.data)
        assert (answer.status, made["purpose"]) == (201, purpose)
        assert hub.send("GET", made["path"]).status == 200
    assert hub.send("POST", "/api/v1/links", b"{}", {**basic("alice"), **KIND}).status == 403
    assert hub.send("POST", "/api/v1/links", b'{"user": "nobody"}', {**basic("keeper"), **KIND}).status == 404


def test_sessions_are_nothing_for_a_token_of_certain_repositories(hub: Accounts) -> None:
    from capas.hub.people.access import Scope

    hub.person("alice")
    scopes = (Scope("alice/*", "owner"),)
    secret = create_token(hub.hub.database, NewToken("alice", "ci", scopes), "1" * 64, KEEPER)
    assert hub.send("GET", "/api/v1/sessions", headers=basic("alice", secret)).status == 403
    assert hub.send("GET", "/api/v1/sessions", headers=basic("alice")).status == 200
