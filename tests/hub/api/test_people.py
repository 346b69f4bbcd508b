"""The API of accounts, organisations, teams, tokens, repositories and the audit log, as programs use it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from capas.hub.people.accounts import log_in
from support.people import PASSWORD
from support.town import ABSENT, PUBLIC, SECRET, Known, Town

NEW_PASSWORD = "another one that is long"


def ask(town: Town, who: str, method: str, path: str, body: dict[str, Any] | None = None, *, status: int = 200) -> Any:
    """The answer's document; the status has to be this one."""
    answer = town.send(who, method, "/api/v1" + path, b"" if body is None else body)
    assert answer.status == status, (who, method, path, answer)
    return json.loads(answer.data) if answer.data else None


def names(town: Town, who: str, path: str) -> list[str]:
    return [one["name"] for one in ask(town, who, "GET", path)["items"]]


def test_an_administrator_makes_changes_and_deletes_accounts(town: Town) -> None:
    made = ask(town, "boss", "POST", "/users", {"name": "eva", "password": PASSWORD, "email": "e@x.org"}, status=201)
    assert (made["name"], made["is_admin"]) == ("eva", False)
    assert "eva" in names(town, "boss", "/users?words=e@x")
    ask(town, "boss", "PATCH", "/users/eva", {"display_name": "Eva Díaz"})
    ask(town, "boss", "PUT", "/users/eva/name", {"name": "evita"})
    assert ask(town, "boss", "PUT", "/users/evita/standing", {"is_admin": True})["is_admin"]
    ask(town, "boss", "PUT", "/users/evita/password", {"new": NEW_PASSWORD}, status=204)
    assert log_in(town.app.hub.database, "evita", NEW_PASSWORD)
    assert not ask(town, "boss", "PUT", "/users/evita/standing", {"is_active": False})["is_active"]
    ask(town, "boss", "DELETE", "/users/evita", status=204)
    ask(town, "boss", "GET", "/users/evita", status=404)


def test_nobody_makes_an_administrator_of_themselves_by_a_field(town: Town) -> None:
    for method, path, body in (
        ("PATCH", "/users/other", {"is_admin": True}),
        ("PATCH", "/users/other", {"display_name": "x", "is_admin": True}),
        ("PUT", "/users/other/standing", {"is_admin": True}),
        ("POST", "/users", {"name": "mine", "password": PASSWORD, "is_admin": True}),
        ("PUT", "/users/other/password", {"old": "x", "new": NEW_PASSWORD, "is_admin": True}),
        ("POST", "/organisations", {"name": "mine", "role": "owner", "is_admin": True}),
        ("PUT", "/organisations/acme/members/other", {"role": "owner"}),
    ):
        assert town.send("other", method, "/api/v1" + path, body).status in (400, 403, 404), (method, path)
    assert not ask(town, "boss", "GET", "/users/other")["is_admin"]
    assert ask(town, "other", "GET", "/organisations")["items"] == []


def test_a_person_changes_the_own_profile_and_no_other(town: Town) -> None:
    assert ask(town, "other", "PATCH", "/users/other", {"email": "o@x.org"})["email"] == "o@x.org"
    assert "email" not in ask(town, "reader", "GET", "/users/other") or (
        ask(town, "reader", "GET", "/users/other")["email"] is None
    )
    ask(town, "reader", "PATCH", "/users/other", {"email": "mine@x.org"}, status=404)
    ask(town, "other", "PATCH", "/users/other", {"email": "no address"}, status=400)


def test_a_password_is_changed_with_the_present_one_alone(town: Town) -> None:
    ask(town, "reader", "PUT", "/users/reader/password", {"old": "wrong", "new": NEW_PASSWORD}, status=400)
    ask(town, "reader", "PUT", "/users/reader/password", {"new": NEW_PASSWORD}, status=400)
    ask(town, "other", "PUT", "/users/reader/password", {"old": PASSWORD, "new": NEW_PASSWORD}, status=404)
    ask(town, "reader", "PUT", "/users/reader/password", {"old": PASSWORD, "new": "short"}, status=400)
    ask(town, "reader", "PUT", "/users/reader/password", {"old": PASSWORD, "new": NEW_PASSWORD}, status=204)
    assert log_in(town.app.hub.database, "reader", NEW_PASSWORD)


def test_a_token_is_shown_once_works_within_its_bounds_and_is_revoked(town: Town) -> None:
    scopes = [{"repositories": "acme/sec*", "role": "reader"}]
    made = ask(town, "writer", "POST", "/users/writer/tokens", {"name": "ci", "scopes": scopes, "days": 3}, status=201)
    assert made["login"] == "writer"
    town.people["ci"] = Known("reader", "writer", made["token"])
    assert town.send("ci", "GET", f"/v2/{SECRET}/tags/list").status == 200
    assert town.send("ci", "POST", f"/v2/{SECRET}/blobs/uploads/").status == 403
    listed = ask(town, "writer", "GET", "/users/writer/tokens")
    assert made["token"] not in json.dumps(listed)
    assert [one["scopes"] for one in listed["items"]] == [None, scopes]
    ask(town, "ci", "POST", "/users/writer/tokens", {"name": "more"}, status=404)
    ask(town, "other", "DELETE", "/users/writer/tokens/ci", status=404)
    ask(town, "writer", "DELETE", "/users/writer/tokens/ci", status=204)
    assert town.send("ci", "GET", f"/v2/{SECRET}/tags/list").status == 401


def test_an_administrator_cannot_make_a_token_in_the_name_of_another(town: Town) -> None:
    ask(town, "boss", "POST", "/users/other/tokens", {"name": "mine"}, status=404)


def test_owners_make_robots_for_their_own_repositories(town: Town) -> None:
    body = {"name": "push", "scopes": [{"repositories": "acme/*", "role": "writer"}]}
    made = ask(town, "owner", "POST", "/robots/acme", body, status=201)
    town.people["push"] = Known("writer", made["login"], made["token"])
    assert town.send("push", "POST", f"/v2/{SECRET}/blobs/uploads/").status == 202
    for pattern in ("*", "other/*", "acme2/*"):
        wrong = {"name": "no", "scopes": [{"repositories": pattern, "role": "writer"}]}
        ask(town, "owner", "POST", "/robots/acme", wrong, status=400)
    ask(town, "maintainer", "POST", "/robots/acme", body, status=403)
    ask(town, "push", "GET", "/robots/acme", status=404)
    ask(town, "owner", "DELETE", "/robots/acme/push", status=204)
    assert town.send("push", "GET", f"/v2/{SECRET}/tags/list").status == 401


def test_a_robot_of_one_namespace_is_not_changed_by_way_of_another(town: Town) -> None:
    ask(town, "other", "POST", "/organisations", {"name": "mine"}, status=201)
    ask(town, "other", "DELETE", "/robots/mine/ci", status=404)
    ask(town, "other", "DELETE", "/organisations/mine/teams/devs", status=404)
    assert names(town, "owner", "/robots/acme") == ["ci"]
    assert names(town, "owner", "/organisations/acme/teams") == ["devs"]


def test_an_organisation_from_its_beginning_to_its_end(town: Town) -> None:
    made = ask(town, "other", "POST", "/organisations", {"name": "apex", "description": "tools"}, status=201)
    assert made["role"] == "owner"
    ask(town, "other", "PUT", "/organisations/apex/members/reader", {"role": "writer"})
    assert names(town, "reader", "/organisations") == ["acme", "apex"]
    ask(town, "reader", "PATCH", "/organisations/apex", {"description": "mine"}, status=403)
    assert town.send("reader", "POST", "/v2/apex/app/blobs/uploads/").status == 202
    ask(town, "other", "PUT", "/organisations/apex/name", {"name": "summit"})
    assert town.send("reader", "POST", "/v2/summit/app/blobs/uploads/").status == 202
    ask(town, "other", "PUT", "/organisations/summit/members/other", {"role": "reader"}, status=409)
    ask(town, "reader", "DELETE", "/organisations/summit/members/reader", status=204)
    ask(town, "reader", "GET", "/organisations/summit/members", status=404)
    ask(town, "other", "DELETE", "/organisations/summit", status=204)
    ask(town, "owner", "DELETE", "/organisations/acme", status=409)
    ask(town, "owner", "DELETE", "/organisations/acme?repositories=true", status=204)
    assert town.send("anonymous", "GET", f"/v2/{PUBLIC}/tags/list").status in (401, 404)


def test_a_team_gives_its_people_a_role_in_a_repository(town: Town) -> None:
    ask(town, "owner", "PUT", "/organisations/acme/teams/devs/people/other", status=204)
    ask(town, "owner", "PUT", f"/grants/{SECRET}", {"kind": "team", "name": "devs", "role": "maintainer"})
    assert town.send("other", "GET", f"/v2/{SECRET}/tags/list").status == 200
    assert ask(town, "other", "PATCH", f"/repositories/{SECRET}", {"description": "x"})["role"] == "maintainer"
    ask(town, "other", "GET", f"/grants/{SECRET}", status=403)
    ask(town, "owner", "DELETE", f"/grants/{SECRET}?kind=team&name=devs", status=204)
    assert town.send("other", "GET", f"/v2/{SECRET}/tags/list").status in (401, 404)


def test_a_repository_is_shown_described_renamed_and_deleted(town: Town) -> None:
    assert ask(town, "owner", "PUT", f"/visibility/{SECRET}", {"is_public": True})["is_public"]
    assert town.send("anonymous", "GET", f"/v2/{SECRET}/tags/list").status == 200
    ask(town, "maintainer", "PUT", f"/visibility/{SECRET}", {"is_public": False}, status=403)
    ask(town, "owner", "PUT", f"/visibility/{SECRET}", {"is_public": False})
    ask(town, "maintainer", "PATCH", f"/repositories/{SECRET}", {"description": "d", "readme": "# r"})
    ask(town, "owner", "PUT", f"/names/{SECRET}", {"name": "other/taken"}, status=404)
    ask(town, "owner", "PUT", f"/names/{SECRET}", {"name": PUBLIC}, status=409)
    assert ask(town, "owner", "PUT", f"/names/{SECRET}", {"name": ABSENT})["description"] == "d"
    assert town.send("owner", "GET", f"/v2/{ABSENT}/tags/list").status == 200
    ask(town, "owner", "DELETE", f"/repositories/{ABSENT}", status=204)
    ask(town, "owner", "DELETE", f"/repositories/{ABSENT}", status=404)
    assert town.send("owner", "GET", f"/v2/{ABSENT}/tags/list").status == 404


def test_the_log_tells_owners_of_their_own_and_administrators_of_everything(town: Town) -> None:
    ask(town, "owner", "PUT", f"/visibility/{SECRET}", {"is_public": True})
    entry = ask(town, "owner", "GET", "/audit?namespace=acme&limit=1")["items"][0]
    assert (entry["actor"], entry["action"], entry["target"]) == ("owner", "repository.publish", SECRET)
    ask(town, "other", "POST", "/organisations", {"name": "mine"}, status=201)
    everything = {one["target"] for one in ask(town, "boss", "GET", "/audit")["items"]}
    assert {"mine", SECRET} <= everything
    theirs = {one["target"] for one in ask(town, "owner", "GET", "/audit?namespace=acme")["items"]}
    assert all(target.startswith("acme") for target in theirs)
    ask(town, "maintainer", "GET", "/audit?namespace=acme", status=403)
    ask(town, "other", "GET", "/audit?namespace=acme", status=404)
    ask(town, "owner", "GET", "/audit", status=403)


@pytest.mark.parametrize("path", ["/audit", "/users"])
def test_a_long_list_comes_in_pages_that_lead_on(town: Town, path: str) -> None:
    seen: list[Any] = []
    after = ""
    while True:
        page = ask(town, "boss", "GET", f"{path}?limit=3{after}")
        seen += [json.dumps(one) for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen))
    assert len(seen) > 6
