"""The API of rules, quotas and webhooks, as programs use it, and closed to whoever does not manage the place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.hub_client import CONFIG, LAYER, MANIFEST, describe, digest_of
from support.town import ABSENT, MANIFEST_DIGEST, NOBODY, PUBLIC, SECRET, Town

HOOK = {"name": "ci", "url": "https://example.org/hook?key=1", "events": ["push"]}
PLACES = [f"repositories/{SECRET}", "namespaces/acme"]
ASKED: list[tuple[str, str, Any]] = [
    ("GET", "/immutable-tags/{place}", None),
    ("PUT", "/immutable-tags/{place}", {"patterns": []}),
    ("GET", "/retention/{place}", None),
    ("PUT", "/retention/{place}", {"rules": []}),
    ("DELETE", "/retention/{place}", None),
    ("GET", "/webhooks/{place}", None),
    ("POST", "/webhooks/{place}", HOOK),
    ("GET", "/webhooks/1/{place}", None),
    ("PUT", "/webhooks/1/{place}", HOOK),
    ("DELETE", "/webhooks/1/{place}", None),
    ("POST", "/webhooks/1/tests/{place}", None),
    ("POST", "/webhooks/1/secrets/{place}", None),
    ("GET", "/webhooks/1/deliveries/{place}", None),
    ("POST", "/webhooks/1/deliveries/1/{place}", None),
]
PLANS: list[tuple[str, str, Any]] = [
    (method, "/retention-plans/{name}", body)
    for method, body in (("GET", None), ("PUT", {"rules": []}), ("POST", None))
]


def ask(town: Town, who: str, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    """The answer's document; the status has to be this one."""
    answer = town.send(who, method, "/api/v1" + path, b"" if body is None else body)
    assert answer.status == status, (who, method, path, answer)
    return json.loads(answer.data) if answer.data else None


def push(town: Town, who: str, tag: str, layer: bytes) -> Any:
    for data in (b"{}", layer):
        town.send(who, "POST", f"/v2/{SECRET}/blobs/uploads/?digest={digest_of(data)}", data)
    document = {"schemaVersion": 2, "config": describe(CONFIG, b"{}"), "layers": [describe(LAYER, layer)]}
    body = json.dumps(document).encode()
    return town.send(who, "PUT", f"/v2/{SECRET}/manifests/{tag}", body, content_type=MANIFEST)


@pytest.mark.parametrize(("method", "path", "body"), ASKED)
@pytest.mark.parametrize("who", [NOBODY, "other", "reader", "writer", "maintainer", "robot", "scoped"])
def test_rules_are_for_owners(town: Town, who: str, method: str, path: str, body: Any) -> None:
    for place in PLACES:
        answer = town.send(who, method, "/api/v1" + path.format(place=place), body or b"")
        assert answer.status in (401, 403, 404), answer
    hidden = town.send(who, method, "/api/v1" + path.format(place=f"repositories/{SECRET}"), body or b"")
    absent = town.send(who, method, "/api/v1" + path.format(place=f"repositories/{ABSENT}"), body or b"")
    if who in (NOBODY, "other"):
        assert hidden.data.replace(SECRET.encode(), ABSENT.encode()) == absent.data


@pytest.mark.parametrize(("method", "path", "body"), PLANS)
@pytest.mark.parametrize("who", [NOBODY, "other", "reader", "writer", "maintainer", "robot", "scoped"])
def test_plans_are_for_owners(town: Town, who: str, method: str, path: str, body: Any) -> None:
    answer = town.send(who, method, "/api/v1" + path.format(name=SECRET), body or b"")
    assert answer.status in (401, 403, 404), answer


def test_an_owner_sets_immutable_tags_and_everybody_is_held_to_them(town: Town) -> None:
    ask(town, "owner", "PUT", "/immutable-tags/namespaces/acme", {"patterns": ["v*"]})
    found = ask(town, "owner", "PUT", f"/immutable-tags/repositories/{SECRET}", {"patterns": ["rc-*", "rc-*"]})
    assert found == {"patterns": ["rc-*"], "inherited": ["v*"]}
    for who in ("writer", "maintainer", "owner", "boss", "robot"):
        assert push(town, who, "v1", who.encode()).status == 403
        assert town.send(who, "DELETE", f"/v2/{SECRET}/manifests/v1").status == 403
        assert town.send(who, "DELETE", f"/v2/{SECRET}/manifests/{MANIFEST_DIGEST}").status == 403
    ask(town, "owner", "DELETE", f"/repositories/{SECRET}", status=403)
    assert [one["action"] for one in ask(town, "boss", "GET", "/audit")["items"]][:2] == ["rules.immutable"] * 2


def test_a_creator_makes_tags_and_moves_none(town: Town) -> None:
    assert push(town, "creator", "fresh", b"1").status == 201
    assert push(town, "creator", "fresh", b"2").status == 403
    assert push(town, "creator", "v1", b"1").status == 403
    assert push(town, "writer", "v1", b"1").status == 201


def test_a_policy_is_tried_before_it_is_kept_and_carried_out(town: Town) -> None:
    push(town, "writer", "nightly", b"1")
    policy = {"rules": [{"tags": "nightly*", "pulled_days": 1}], "untagged_days": 30}
    tried = ask(town, "owner", "PUT", f"/retention-plans/{SECRET}", policy)
    assert [(one["tag"], one["stays"], one["reasons"]) for one in tried["tags"]] == [
        ("nightly", False, ["rule 1: it was never pulled"]),
        ("v1", True, ["no rule is about it"]),
    ]
    assert ask(town, "owner", "GET", f"/retention/repositories/{SECRET}") == {"policy": None, "inherited": None}
    kept = ask(town, "owner", "PUT", "/retention/namespaces/acme", policy)["policy"]
    assert ask(town, "owner", "GET", f"/retention/repositories/{SECRET}") == {"policy": None, "inherited": kept}
    assert ask(town, "owner", "GET", f"/retention-plans/{SECRET}") == tried
    assert ask(town, "owner", "POST", f"/retention-plans/{SECRET}")["tags"] == tried["tags"]
    assert json.loads(town.send("owner", "GET", f"/v2/{SECRET}/tags/list").data)["tags"] == ["v1"]
    ask(town, "owner", "DELETE", "/retention/namespaces/acme", status=204)
    assert ask(town, "owner", "GET", "/retention/namespaces/acme") == {"policy": None, "inherited": None}


@pytest.mark.parametrize(
    "policy",
    [
        {"rules": [{"tags": "a b"}]},
        {"rules": [{"newest": 0}]},
        {"rules": [{"newest": "2"}]},
        {"rules": [{"pushed_days": -1}]},
        {"rules": [{"keep": 1}]},
        {"rules": [{}] * 51},
        {"untagged_days": 1.5},
        [],
    ],
)
def test_what_is_no_policy_is_refused(town: Town, policy: Any) -> None:
    body = policy if isinstance(policy, dict) else json.dumps(policy).encode()
    answer = town.send(
        "owner", "PUT", f"/api/v1/retention/repositories/{SECRET}", body, content_type="application/json"
    )
    assert (answer.status, json.loads(answer.data)["errors"][0]["code"]) == (400, "INVALID")


def test_a_quota_is_set_by_administrators_and_seen_by_members(town: Town) -> None:
    for who in ("owner", "writer", "other"):
        ask(town, who, "PUT", "/quotas/acme", {"limit_bytes": None}, status=403)
    before = ask(town, "reader", "GET", "/quotas/acme")
    assert before["limit_bytes"] is None
    assert [one["name"] for one in before["repositories"]] == [PUBLIC, SECRET]
    assert before["used_bytes"] == before["repositories"][0]["bytes"] == before["repositories"][1]["bytes"]
    ask(town, "boss", "PUT", "/quotas/acme", {"limit_bytes": before["used_bytes"] + 2})
    assert push(town, "writer", "v2", b"too much").status == 400  # its layer was refused
    ask(town, "boss", "PUT", "/quotas/acme", {"limit_bytes": before["used_bytes"] + 10})
    assert push(town, "writer", "v2", b"too much").status == 201
    assert ask(town, "reader", "GET", "/quotas/acme")["used_bytes"] == before["used_bytes"] + 10
    ask(town, "other", "GET", "/quotas/acme", status=404)
    ask(town, "boss", "GET", "/quotas/nothing", status=404)
    ask(town, "boss", "PUT", "/quotas/acme", {"limit_bytes": -1}, status=400)


def test_a_webhook_is_made_changed_tried_and_deleted(town: Town) -> None:
    place = f"repositories/{SECRET}"
    made = ask(town, "owner", "POST", f"/webhooks/{place}", HOOK, status=201)
    number, secret = made.pop("number"), made.pop("secret")
    assert secret.startswith("whsec_")
    assert {key: made[key] for key in HOOK} == HOOK
    shown = ask(town, "owner", "GET", f"/webhooks/{place}")
    assert secret not in json.dumps(shown)
    assert [one["number"] for one in shown["items"]] == [number]
    assert ask(town, "owner", "POST", f"/webhooks/{number}/secrets/{place}")["secret"] != secret
    ask(town, "owner", "POST", f"/webhooks/{number}/tests/{place}", status=204)
    push(town, "writer", "v2", b"2")
    log = ask(town, "owner", "GET", f"/webhooks/{number}/deliveries/{place}")["items"]
    assert [(one["event"], one["state"], one["tries"]) for one in log] == [
        ("push", "waiting", 0),
        ("ping", "waiting", 0),
    ]
    ask(town, "owner", "POST", f"/webhooks/{number}/deliveries/{log[0]['number']}/{place}", status=204)
    page = ask(town, "owner", "GET", f"/webhooks/{number}/deliveries/{place}?limit=2")
    rest = ask(town, "owner", "GET", f"/webhooks/{number}/deliveries/{place}?limit=2&after={page['next']}")
    assert [one["event"] for one in page["items"] + rest["items"]] == ["push", "push", "ping"]
    changed = {**HOOK, "name": "other", "events": ["delete", "push"], "is_active": False}
    found = ask(town, "owner", "PUT", f"/webhooks/{number}/{place}", changed)
    assert (found["name"], found["events"], found["is_active"]) == ("other", ["push", "delete"], False)
    ask(town, "owner", "DELETE", f"/webhooks/{number}/{place}", status=204)
    ask(town, "owner", "GET", f"/webhooks/{number}/{place}", status=404)
    actions = [one["action"] for one in ask(town, "boss", "GET", "/audit")["items"]]
    assert actions[:4] == ["webhook.delete", "webhook.change", "webhook.secret", "webhook.create"]


def test_the_number_of_a_webhook_opens_nothing_in_another_place(town: Town) -> None:
    """R7: whoever owns one project names the numbers of another's."""
    mine, theirs = f"repositories/{PUBLIC}", f"repositories/{SECRET}"
    number = ask(town, "owner", "POST", f"/webhooks/{theirs}", HOOK, status=201)["number"]
    ask(town, "owner", "POST", f"/webhooks/{number}/tests/{theirs}", status=204)
    (line,) = ask(town, "owner", "GET", f"/webhooks/{number}/deliveries/{theirs}")["items"]
    own = ask(town, "owner", "POST", f"/webhooks/{mine}", HOOK, status=201)["number"]
    for place in (mine, "namespaces/acme"):
        for method, path, body in (
            ("GET", "", None),
            ("PUT", "", HOOK),
            ("DELETE", "", None),
            ("POST", "tests/", None),
            ("POST", "secrets/", None),
            ("GET", "deliveries/", None),
            ("POST", f"deliveries/{line['number']}/", None),
        ):
            ask(town, "owner", method, f"/webhooks/{number}/{path}{place}", body, status=404)
    ask(town, "owner", "POST", f"/webhooks/{own}/deliveries/{line['number']}/{mine}", status=404)
    assert ask(town, "owner", "GET", f"/webhooks/{number}/{theirs}")["name"] == "ci"


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://169.254.169.254/latest/", "http://[::ffff:10.0.0.1]/"])
def test_a_webhook_into_the_hubs_own_network_is_refused(town: Town, url: str) -> None:
    answer = town.send("owner", "POST", "/api/v1/webhooks/namespaces/acme", {**HOOK, "url": url})
    assert (answer.status, json.loads(answer.data)["errors"][0]["code"]) == (403, "DENIED")


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(number=st.sampled_from([0, 1, 2**31, 2**63, 10**30]), kind=st.sampled_from(["repositories", "namespaces", "x"]))
def test_no_number_breaks_it(town: Town, number: int, kind: str) -> None:
    for path in (f"/webhooks/{number}/{kind}/acme", f"/webhooks/{number}/deliveries/{number}/{kind}/acme"):
        assert town.send("owner", "GET", f"/api/v1{path}").status in (404, 405)
