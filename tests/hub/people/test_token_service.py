"""Docker's token protocol: challenges, passes for what may be done, and who gets none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.config import Config, ServerConfig
from capas.hub.people.access import Scope
from capas.hub.people.accounts import find_user, set_active, set_password
from capas.hub.people.sessions import list_sessions
from capas.hub.people.tokens import PERSONAL, ROBOT, NewToken, create_token, revoke_token
from support.accounts import Accounts, basic, bearer, claims_of, token_in
from support.people import KEEPER, PASSWORD

MINE = "repository:alice/app:pull,push"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Accounts]:
    found = Accounts(tmp_path)
    found.person("alice")
    yield found
    found.close()


def access_of(token: str) -> list[tuple[str, str, list[str]]]:
    return [(one["type"], one["name"], one["actions"]) for one in claims_of(token)["access"]]


def test_nobody_is_sent_to_the_token_service(hub: Accounts) -> None:
    answer = hub.send("GET", "/v2/", headers={"host": "hub.example:5000"})
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="http://hub.example:5000/token",service="capas"'
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/alice/app/manifests/v1", "repository:alice/app:pull"),
        ("HEAD", "/v2/alice/app/blobs/sha256:" + "0" * 64, "repository:alice/app:pull"),
        ("POST", "/v2/alice/app/blobs/uploads/", "repository:alice/app:pull,push"),
        ("PUT", "/v2/alice/app/manifests/v1", "repository:alice/app:pull,push"),
        ("DELETE", "/v2/alice/app/manifests/v1", "repository:alice/app:pull,delete"),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
    ],
)
def test_a_challenge_names_the_scope(hub: Accounts, method: str, path: str, scope: str) -> None:
    answer = hub.send(method, path, headers={"host": "h"})
    assert answer.status == 401
    assert f'scope="{scope}"' in answer.headers["www-authenticate"]


def test_a_missing_repository_is_challenged_as_a_private_one_is(hub: Accounts) -> None:
    hub.push_image("alice/app", "v1", basic("alice"))
    answers = [hub.send("GET", f"/v2/alice/{name}/manifests/v1", headers={"host": "h"}) for name in ("app", "abc")]
    bodies = {answer.data.replace(b"abc", b"app") for answer in answers}
    challenges = {answer.headers["www-authenticate"].replace("abc", "app") for answer in answers}
    assert len(bodies) == len(challenges) == 1


def test_a_host_that_none_can_be_gets_no_challenge(hub: Accounts) -> None:
    answer = hub.send("GET", "/v2/", headers={"host": 'x",error="'})
    assert answer.status == 400
    assert "www-authenticate" not in answer.headers


def test_the_public_address_is_the_realm_whatever_the_host_is(tmp_path: Path) -> None:
    hub = Accounts(tmp_path, Config(server=ServerConfig(public_url="https://hub.example")))
    answer = hub.send("GET", "/v2/", headers={"host": "evil.example"})
    hub.close()
    assert 'realm="https://hub.example/token"' in answer.headers["www-authenticate"]


def test_a_login_without_scope_gives_a_pass_for_nothing(hub: Accounts) -> None:
    token = token_in(hub.ask_token("alice", PASSWORD, service="capas", account="alice", client_id="docker"))
    assert access_of(token) == []
    assert hub.send("GET", "/v2/", headers=bearer(token)).status == 200


def test_a_pass_pushes_and_pulls(hub: Accounts) -> None:
    hub.push_image("alice/app", "v1", hub.pass_for("alice", MINE))
    assert hub.send("GET", "/v2/alice/app/manifests/v1", headers=hub.pass_for("alice", MINE)).status == 200


def test_several_scopes_are_granted_apart(hub: Accounts) -> None:
    hub.person("bob")
    token = token_in(hub.ask_token("alice", PASSWORD, MINE, "repository:bob/app:pull,push registry:catalog:*"))
    assert access_of(token) == [
        ("repository", "alice/app", ["pull", "push"]),
        ("registry", "catalog", ["*"]),
    ]


def test_what_may_not_be_done_is_left_out_and_then_refused(hub: Accounts) -> None:
    hub.person("bob")
    hub.push_image("alice/app", "v1", basic("alice"))
    token = token_in(hub.ask_token("bob", PASSWORD, MINE))
    assert access_of(token) == []
    answer = hub.send("GET", "/v2/alice/app/manifests/v1", headers={**bearer(token), "host": "h"})
    assert answer.status == 401
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_pass_is_for_nothing_that_was_not_asked(hub: Accounts) -> None:
    hub.push_image("alice/app", "v1", basic("alice"))
    pulling = hub.pass_for("alice", "repository:alice/app:pull")
    other = hub.pass_for("alice", "repository:alice/other:pull")
    head = {"host": "h"}
    assert hub.send("DELETE", "/v2/alice/app/manifests/v1", headers={**pulling, **head}).status == 401
    assert hub.send("GET", "/v2/alice/app/manifests/v1", headers={**other, **head}).status == 401
    assert hub.send("GET", "/v2/_catalog", headers={**pulling, **head}).status == 401
    assert hub.send("GET", "/v2/alice/app/manifests/v1", headers=pulling).status == 200


def test_the_catalogue_is_listed_with_a_pass_for_it(hub: Accounts) -> None:
    hub.push_image("alice/app", "v1", basic("alice"))
    mine = hub.send("GET", "/v2/_catalog", headers=hub.pass_for("alice", "registry:catalog:*"))
    anybodys = hub.send("GET", "/v2/_catalog", headers=hub.pass_for("", "registry:catalog:*"))
    assert json.loads(mine.data) == {"repositories": ["alice/app"]}
    assert json.loads(anybodys.data) == {"repositories": []}


def test_a_pass_opens_nothing_of_the_api(hub: Accounts) -> None:
    hub.person("root1", is_admin=True)
    identity = hub.identity_of(hub.pass_for("root1", "repository:library/app:*"))
    assert not hub.hub.rights.is_admin(identity)
    assert hub.hub.rights.role_of(identity, "library/app") is None


def test_a_pass_gets_no_other_pass(hub: Accounts) -> None:
    answer = hub.send("GET", "/token", headers=hub.pass_for("alice", MINE))
    assert answer.status == 401


@pytest.mark.parametrize("login", ["alice", "nobody"])
def test_a_wrong_password_is_refused_as_an_unknown_name_is(hub: Accounts, login: str) -> None:
    answer = hub.ask_token(login, "wrong")
    assert answer.status == 401
    said = json.loads(answer.data)
    assert said["errors"] == [{"code": "UNAUTHORIZED", "message": "wrong user name or password", "detail": None}]
    assert hub.send("GET", "/v2/", headers={**basic(login, "wrong"), "host": "h"}).status == 401


def test_anybody_gets_a_pass_for_what_is_public(hub: Accounts) -> None:
    hub.person("root1", is_admin=True)
    hub.push_image("library/app", "v1", basic("root1"))
    token = token_in(hub.ask_token("", "", "repository:library/app:pull,push"))
    assert access_of(token) == [("repository", "library/app", ["pull"])]
    assert hub.send("GET", "/v2/library/app/manifests/v1", headers=bearer(token)).status == 200
    assert hub.send("GET", "/v2/library/app/manifests/v1").status == 200


def test_a_personal_token_logs_in_and_is_bounded(hub: Accounts) -> None:
    scopes = (Scope("alice/app", "reader"),)
    secret = create_token(hub.hub.database, NewToken("alice", "ci", scopes), "1" * 64, KEEPER)
    assert access_of(token_in(hub.ask_token("alice", secret, MINE))) == [("repository", "alice/app", ["pull"])]
    assert hub.send("GET", "/v2/", headers=basic("alice", secret)).status == 200
    assert hub.ask_token("bob", secret).status == 401


def test_a_robot_logs_in(hub: Accounts) -> None:
    new = NewToken("alice", "ci", (Scope("alice/*", "writer"),), kind=ROBOT)
    secret = create_token(hub.hub.database, new, "1" * 64, KEEPER)
    hub.push_image("alice/app", "v1", hub.pass_for("alice+ci", MINE, secret=secret))
    assert access_of(token_in(hub.ask_token("alice+ci", secret, "repository:alice/app:delete"))) == []


def test_a_token_that_is_revoked_stops_its_passes_at_once(hub: Accounts) -> None:
    secret = create_token(hub.hub.database, NewToken("alice", "ci", None), "1" * 64, KEEPER)
    headers = hub.pass_for("alice", MINE, secret=secret)
    assert hub.send("GET", "/v2/", headers=headers).status == 200
    revoke_token(hub.hub.database, "alice", PERSONAL, "ci", KEEPER)
    assert hub.send("GET", "/v2/", headers={**headers, "host": "h"}).status == 401
    assert hub.send("GET", "/v2/", headers={**basic("alice", secret), "host": "h"}).status == 401


def test_a_token_that_ends_lets_in_a_minute_longer_at_most(hub: Accounts) -> None:
    secret = create_token(hub.hub.database, NewToken("alice", "ci", None, days=1), "1" * 64, KEEPER)
    hub.wait(24 * 3600 - 1)
    assert hub.send("GET", "/v2/", headers=basic("alice", secret)).status == 200
    hub.wait(61)
    assert hub.send("GET", "/v2/", headers={**basic("alice", secret), "host": "h"}).status == 401


def test_a_closed_account_stops_at_once(hub: Accounts) -> None:
    passed, password = hub.pass_for("alice", MINE), basic("alice")
    assert [hub.send("GET", "/v2/", headers=one).status for one in (passed, password)] == [200, 200]
    set_active(hub.hub.database, "alice", False, KEEPER)
    assert [hub.send("GET", "/v2/", headers={**one, "host": "h"}).status for one in (passed, password)] == [401, 401]


def test_an_old_password_stops_at_once(hub: Accounts) -> None:
    assert hub.send("GET", "/v2/", headers=basic("alice")).status == 200
    set_password(hub.hub.database, "alice", "another password", KEEPER)
    assert hub.send("GET", "/v2/", headers={**basic("alice"), "host": "h"}).status == 401


def test_a_pass_ends_after_five_minutes(hub: Accounts) -> None:
    headers = {**hub.pass_for("alice", MINE), "host": "h"}
    hub.wait(299)
    assert hub.send("GET", "/v2/", headers=headers).status == 200
    hub.wait(32)  # and 30 seconds between clocks
    answer = hub.send("GET", "/v2/", headers=headers)
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_dockers_login_gets_an_identity_token_instead_of_keeping_the_password(hub: Accounts) -> None:
    first = hub.ask_token("alice", PASSWORD, account="alice", client_id="docker", offline_token="true")
    refresh = json.loads(first.data)["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "service": "capas", "client_id": "docker"}
    again = hub.post_token(**form, scope=MINE)
    assert access_of(token_in(again)) == [("repository", "alice/app", ["pull", "push"])]
    assert json.loads(again.data)["refresh_token"] == refresh
    set_password(hub.hub.database, "alice", "another password", KEEPER)
    assert hub.post_token(**form, scope=MINE).status == 401


def test_an_identity_token_lasts_as_long_as_it_is_used(hub: Accounts) -> None:
    first = hub.ask_token("alice", PASSWORD, client_id="docker", offline_token="true")
    form = {"grant_type": "refresh_token", "refresh_token": json.loads(first.data)["refresh_token"]}
    for _ in range(3):
        hub.wait(80 * 24 * 3600)
        assert hub.post_token(**form).status == 200
    hub.wait(91 * 24 * 3600)
    assert hub.post_token(**form).status == 401


def test_a_token_gets_no_identity_token_that_would_outlive_it(hub: Accounts) -> None:
    secret = create_token(hub.hub.database, NewToken("alice", "ci", None), "1" * 64, KEEPER)
    answer = hub.ask_token("alice", secret, client_id="docker", offline_token="true")
    assert "refresh_token" not in json.loads(answer.data)


def test_an_identity_token_is_no_cookie_and_a_cookie_no_identity_token(hub: Accounts) -> None:
    first = hub.ask_token("alice", PASSWORD, client_id="docker", offline_token="true")
    refresh = json.loads(first.data)["refresh_token"]
    me = json.loads(hub.send("GET", "/api/v1/me", headers={"cookie": f"capas_session={refresh}", "host": "h"}).data)
    assert me["kind"] == "nobody"


def test_containerd_logs_in_by_form(hub: Accounts) -> None:
    form = {"grant_type": "password", "username": "alice", "service": "capas", "scope": MINE, "client_id": "containerd"}
    answer = hub.post_token(**form, password=PASSWORD)
    assert access_of(token_in(answer)) == [("repository", "alice/app", ["pull", "push"])]
    assert "refresh_token" not in json.loads(answer.data)
    assert hub.post_token(**form, password="wrong").status == 401
    assert "refresh_token" in json.loads(hub.post_token(**form, password=PASSWORD, access_type="offline").data)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("service=registry.example", "this is the service capas"),
        ("scope=nonsense", "a scope is type:name:actions"),
        ("&".join(["scope=repository:a/b:pull"] * 101), "100 scopes at most"),
    ],
)
def test_what_cannot_be_meant_is_said_so(hub: Accounts, query: str, words: str) -> None:
    answer = hub.send("GET", f"/token?{query}")
    assert answer.status == 400
    assert words in json.loads(answer.data)["errors"][0]["message"]


def test_a_grant_of_no_known_kind_is_said_so(hub: Accounts) -> None:
    assert hub.post_token(grant_type="implicit").status == 400


def test_answers_with_tokens_are_kept_by_nobody(hub: Accounts) -> None:
    assert hub.ask_token("alice").headers["cache-control"] == "no-store"


def test_an_open_hub_has_no_token_service(tmp_path: Path) -> None:
    from capas.hub.app import create_app
    from support.asgi import Direct

    hub = Direct(create_app(tmp_path))
    assert hub.send("GET", "/v2/").status == 200
    assert hub.send("GET", "/token").status == 404
    hub.close()


def test_an_identity_token_is_its_persons_password_for_passes_alone(hub: Accounts) -> None:
    first = hub.ask_token("alice", PASSWORD, client_id="capas", offline_token="true")
    identity = json.loads(first.data)["refresh_token"]
    answer = hub.ask_token("alice", identity, MINE)
    assert access_of(token_in(answer)) == [("repository", "alice/app", ["pull", "push"])]
    form = {"grant_type": "password", "username": "alice", "service": "capas", "scope": MINE, "client_id": "containerd"}
    assert access_of(token_in(hub.post_token(**form, password=identity))) == [
        ("repository", "alice/app", ["pull", "push"])
    ]
    for path in ("/v2/", "/api/v1/me"):
        assert hub.send("GET", path, headers={**basic("alice", identity), "host": "h"}).status == 401


def test_an_identity_token_as_a_password_is_nobody_elses_and_ends_with_its_session(hub: Accounts) -> None:
    hub.person("bob")
    first = hub.ask_token("alice", PASSWORD, client_id="capas", offline_token="true")
    identity = json.loads(first.data)["refresh_token"]
    assert hub.ask_token("bob", identity).status == 401
    set_password(hub.hub.database, "alice", "another password", KEEPER)
    assert hub.ask_token("alice", identity).status == 401


def test_an_identity_token_as_a_password_begets_no_other(hub: Accounts) -> None:
    first = hub.ask_token("alice", PASSWORD, client_id="capas", offline_token="true")
    identity = json.loads(first.data)["refresh_token"]
    again = hub.ask_token("alice", identity, client_id="podman", offline_token="true")
    assert json.loads(again.data)["refresh_token"] == identity
    form = {"grant_type": "password", "username": "alice", "service": "capas", "access_type": "offline"}
    assert json.loads(hub.post_token(**form, password=identity).data)["refresh_token"] == identity
    alice = find_user(hub.hub.database, "alice")
    assert alice is not None
    assert len(list_sessions(hub.hub.database, alice.number, hub.now_ns)) == 1
