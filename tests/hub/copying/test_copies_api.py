"""The API of replication and upstreams: administrators alone, secrets never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.copying.replication import rules
from capas.hub.copying.upstream import Upstream as Configured
from capas.hub.people.audit import list_entries
from support.asgi import Direct
from support.town import Town
from support.upstream import Upstream

RULE = {
    "name": "nightly", "direction": "push", "registry": "https://registry.example", "repositories": ["acme/*"],
    "username": "hub", "password": "open sesame", "every_seconds": 3600,
}  # fmt: skip


def ask(town: Town, who: str, method: str, path: str, body: dict[str, Any] | None = None, *, status: int = 200) -> Any:
    answer = town.send(who, method, "/api/v1" + path, b"" if body is None else body)
    assert answer.status == status, (who, method, path, answer)
    assert b"sesame" not in answer.data
    return json.loads(answer.data) if answer.data else None


def test_a_rule_is_made_changed_run_and_forgotten(town: Town) -> None:
    made = ask(town, "boss", "POST", "/replications", RULE, status=201)
    assert (made["has_password"], made["every_seconds"], made["tags"]) == (True, 3600, ["*"])
    same = {key: value for key, value in RULE.items() if key not in ("name", "password")}
    assert ask(town, "boss", "PUT", "/replications/nightly", {**same, "newest": 3})["has_password"]
    run = ask(town, "boss", "POST", "/replications/nightly/runs", status=201)
    assert (run["state"], run["cause"]) == ("waiting", "hand")
    assert ask(town, "boss", "POST", "/replications/nightly/runs", status=201)["number"] == run["number"]
    assert [one["number"] for one in ask(town, "boss", "GET", "/replications/nightly/runs")["items"]] == [run["number"]]
    assert ask(town, "boss", "GET", f"/replications/nightly/runs/{run['number']}")["items"] == []
    ask(town, "boss", "GET", "/replications/nightly/runs/999", status=404)
    assert [one["name"] for one in ask(town, "boss", "GET", "/replications")["items"]] == ["nightly"]
    ask(town, "boss", "DELETE", "/replications/nightly", status=204)
    ask(town, "boss", "GET", "/replications/nightly", status=404)
    actions = [one.action for one in list_entries(town.app.hub.database)]
    assert {"replication.create", "replication.change", "replication.run", "replication.delete"} <= set(actions)


def test_a_password_is_not_sent_to_another_registry_than_it_was_given_for(town: Town) -> None:
    ask(town, "boss", "POST", "/replications", RULE, status=201)
    kept = {key: value for key, value in RULE.items() if key not in ("name", "password")}
    moved = ask(town, "boss", "PUT", "/replications/nightly", {**kept, "registry": "https://evil.example"})
    assert not moved["has_password"]
    rule = town.app.hub.database.read(lambda db: rules.get_rule(db, "nightly"))
    assert rule.secret is None


@pytest.mark.parametrize("who", ["anonymous", "owner", "robot", "other"])
def test_only_administrators_know_of_rules_and_upstreams(town: Town, who: str) -> None:
    refused = 401 if who == "anonymous" else 403
    for method, path, body in (
        ("GET", "/replications", None),
        ("POST", "/replications", RULE),
        ("GET", "/replications/nightly", None),
        ("DELETE", "/replications/nightly", None),
        ("POST", "/replications/nightly/runs", None),
        ("GET", "/upstreams", None),
    ):
        ask(town, who, method, path, body, status=refused)


@pytest.mark.parametrize(
    "wrong",
    [
        {"registry": "http://169.254.169.254"},
        {"registry": "https://user:word@registry.example"},
        {"registry": "http://registry.example"},  # with a login
        {"registry": "ftp://registry.example"},
        {"name": "A Name"},
        {"source_prefix": "../x"},
        {"every_seconds": 5},
        {"direction": "pull", "on_event": True},
        {"secret": "x"},
    ],
)
def test_a_rule_that_cannot_be_is_refused(town: Town, wrong: dict[str, Any]) -> None:
    answer = town.send("boss", "POST", "/api/v1/replications", {**RULE, **wrong})
    assert answer.status in (400, 403)
    assert ask(town, "boss", "GET", "/replications")["items"] == []


def test_upstreams_tell_what_they_hold_and_what_they_allow(tmp_path: Path) -> None:
    with Upstream() as upstream:
        upstream.headers = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "76;w=21600"}
        image = upstream.add_image("team/app", "1.0", layer=b"x" * 1000)
        config = Config(upstreams=(Configured(prefix="up", url=upstream.url, keep_bytes=10_000),))
        direct = Direct(create_app(tmp_path, config=config))
        for path in ("manifests/1.0", f"blobs/{image.layer}"):
            assert direct.send("GET", f"/v2/up/team/app/{path}").status == 200
        found = json.loads(direct.send("GET", "/api/v1/upstreams").data)["items"]
        metrics = direct.send("GET", "/metrics").data.decode().splitlines()
        direct.close()
    (one,) = found
    assert (one["prefix"], one["host"], one["is_public"]) == ("up", upstream.address, True)
    assert (one["repositories"], one["tags"], one["blobs"], one["blob_bytes"]) == (1, 1, 1, 1000)
    assert (one["limit"], one["remaining"], one["window_seconds"]) == (100, 76, 21600)
    assert (one["misses"], one["fetched_bytes"], one["down"]) == (2, 1000, "")
    assert 'capas_hub_upstream_remaining{upstream="up"} 76' in metrics
    assert 'capas_hub_upstream_blob_bytes{upstream="up"} 1000' in metrics
