"""Retention in a hub: the dry run says what the sweep then does, and the sweep takes nothing besides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import Invalid, NotFound, Unsupported
from capas.hub.app import create_app
from capas.hub.events import Happened
from capas.hub.hub import Options
from capas.hub.keeping.collect import collect
from capas.hub.keeping.patterns import set_patterns
from capas.hub.keeping.place import get_namespace_place, get_repository_place
from capas.hub.keeping.policy import Policy, Rule, set_policy
from capas.hub.keeping.retention import list_ruled, preview, sweep, sweep_due
from capas.hub.people.audit import By, list_entries
from capas.hub.people.namespaces import add_namespace
from capas.hub.spans import SECOND_NS
from support.asgi import Direct
from support.hub_client import CONFIG, INDEX, LAYER, MANIFEST, describe, digest_of

DAY = 86400
NAME = "acme/app"
BY = By("ana", "10.0.0.1", 1)


class Shelf:
    """A hub whose clock the test moves on."""

    def __init__(self, root: Path, options: Options = Options()) -> None:  # noqa: B008
        self.seconds = 1_800_000_000
        self.app = create_app(root, options=options, now_ns=lambda: self.seconds * SECOND_NS)
        self.hub = self.app.hub
        self.client = Direct(self.app)

    def later(self, days: int) -> None:
        self.seconds += days * DAY

    def push(self, tag: str = "", seed: str = "", name: str = NAME, **fields: object) -> str:
        layer = f"layer {seed or tag}".encode()
        for data in (b"{}", layer):
            self.client.send("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(data)}", data)
        image = {"schemaVersion": 2, "mediaType": MANIFEST, "config": describe(CONFIG, b"{}")}
        return self.put(tag, {**image, "layers": [describe(LAYER, layer)], **fields}, MANIFEST, name)

    def put(self, tag: str, document: dict[str, object], media_type: str, name: str = NAME) -> str:
        body = json.dumps(document).encode()
        path = f"/v2/{name}/manifests/{tag or digest_of(body)}"
        answer = self.client.send("PUT", path, body, {"content-type": media_type})
        assert answer.status == 201, answer.data
        return digest_of(body)

    def index(self, tag: str, *children: str) -> str:
        found = [self.client.send("GET", f"/v2/{NAME}/manifests/{child}").data for child in children]
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [describe(MANIFEST, data) for data in found]}
        return self.put(tag, document, INDEX)

    def rule(self, policy: Policy, name: str = NAME) -> None:
        database = self.hub.database
        database.write(lambda db: set_policy(database, db, get_repository_place(db, name), policy))

    def has(self, reference: str, name: str = NAME) -> bool:
        return self.client.send("HEAD", f"/v2/{name}/manifests/{reference}").status == 200

    def tags(self, name: str = NAME) -> list[str]:
        found = json.loads(self.client.send("GET", f"/v2/{name}/tags/list").data)["tags"]
        return list(found)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.client.close()


def test_the_newest_stay_and_the_dry_run_says_which_rule_says_so(shelf: Shelf) -> None:
    for number in range(1, 5):
        shelf.push(f"v{number}")
        shelf.later(1)
    shelf.push("latest", "v4")
    shelf.rule(Policy(rules=(Rule(tags="v*", newest=2),)))
    plan = preview(shelf.hub, NAME)
    assert {one.tag: (one.stays, [str(said) for said in one.reasons]) for one in plan.tags} == {
        "latest": (True, ["no rule is about it"]),
        "v1": (False, ["rule 1: it is number 4 of the newest 2"]),
        "v2": (False, ["rule 1: it is number 3 of the newest 2"]),
        "v3": (True, ["rule 1: it is number 2 of the newest 2"]),
        "v4": (True, ["rule 1: it is number 1 of the newest 2"]),
    }
    assert shelf.tags() == ["latest", "v1", "v2", "v3", "v4"]
    assert sweep(shelf.hub, NAME, BY) == plan
    assert shelf.tags() == ["latest", "v3", "v4"]


def test_what_is_pulled_stays(shelf: Shelf) -> None:
    for tag in ("pulled", "never"):
        shelf.push(tag)
    shelf.later(20)
    shelf.client.send("GET", f"/v2/{NAME}/manifests/pulled")
    shelf.hub.events.close()
    shelf.hub.pulls.close()
    shelf.later(20)
    shelf.rule(Policy(rules=(Rule(pushed_days=30, pulled_days=30),)))
    said = {one.tag: [str(reason) for reason in one.reasons] for one in preview(shelf.hub, NAME).tags}
    assert said == {
        "never": ["rule 1: pushed 40 days ago, of at most 30", "rule 1: it was never pulled"],
        "pulled": ["rule 1: pulled 20 days ago, of at most 30"],
    }
    sweep(shelf.hub, NAME, BY)
    assert shelf.tags() == ["pulled"]


def test_immutable_tags_stay_whatever_the_rules_say(shelf: Shelf) -> None:
    for tag in ("v1", "nightly"):
        shelf.push(tag)
    shelf.later(400)
    shelf.rule(Policy(rules=(Rule(pushed_days=0),), untagged_days=0))
    shelf.hub.database.write(lambda db: set_patterns(db, get_repository_place(db, NAME), ["v*"]))
    assert [str(one.reasons[0]) for one in preview(shelf.hub, NAME).tags if one.stays] == ["it is immutable (v*)"]
    sweep(shelf.hub, NAME, BY)
    assert shelf.tags() == ["v1"]


def test_what_has_lost_its_tag_goes_so_long_after_that(shelf: Shelf) -> None:
    first = shelf.push("latest", "1")
    shelf.later(100)
    shelf.push("latest", "2")
    shelf.rule(Policy(untagged_days=7))
    assert sweep(shelf.hub, NAME, BY).going == []
    shelf.later(6)
    (verdict,) = preview(shelf.hub, NAME).untagged
    assert (verdict.stays, str(verdict.reasons[0])) == (True, "no tag has led to it for 6 days, of at most 7")
    shelf.later(1)
    assert [one.digest for one in sweep(shelf.hub, NAME, BY).going] == [first]
    assert not shelf.has(first)
    collect(shelf.hub)
    assert shelf.client.send("HEAD", f"/v2/{NAME}/blobs/{digest_of(b'layer 1')}").status == 404
    assert shelf.client.send("HEAD", f"/v2/{NAME}/blobs/{digest_of(b'layer 2')}").status == 200


def test_children_of_an_index_that_stays_stay_and_go_with_it(shelf: Shelf) -> None:
    children = [shelf.push(seed=seed) for seed in ("amd64", "arm64")]
    index = shelf.index("v1", *children)
    shelf.later(30)
    shelf.rule(Policy(untagged_days=1))
    assert sweep(shelf.hub, NAME, BY).going == []
    shelf.client.send("DELETE", f"/v2/{NAME}/manifests/v1")
    assert sweep(shelf.hub, NAME, BY).going == []
    shelf.later(2)
    assert {one.digest for one in sweep(shelf.hub, NAME, BY).going} == {index, *children}
    assert not shelf.has(children[0])


def test_a_push_under_way_loses_nothing(shelf: Shelf) -> None:
    shelf.push("v0")
    shelf.rule(Policy(untagged_days=0))
    child = shelf.push(seed="child")
    (verdict,) = sweep(shelf.hub, NAME, BY).untagged
    assert (verdict.stays, str(verdict.reasons[0])) == (True, "its push may be under way still")
    shelf.index("v1", child)
    assert shelf.has(child)


def test_signatures_and_statements_follow_what_they_are_about(shelf: Shelf) -> None:
    image = shelf.push("v1")
    size = len(shelf.client.send("GET", f"/v2/{NAME}/manifests/v1").data)
    subject = {"mediaType": MANIFEST, "digest": image, "size": size}
    statement = shelf.push(seed="sbom", subject=subject, artifactType="application/spdx+json")
    name = image.replace(":", "-")
    signature = shelf.push(f"{name}.sig", "signature")
    shelf.later(50)
    shelf.rule(Policy(rules=(Rule(pushed_days=100),), untagged_days=0))
    plan = sweep(shelf.hub, NAME, BY)
    assert plan.going == []
    assert [str(one.reasons[0]) for one in plan.tags if one.tag == f"{name}.sig"] == ["it is about an image that stays"]
    shelf.later(51)
    sweep(shelf.hub, NAME, BY)
    shelf.later(1)
    sweep(shelf.hub, NAME, BY)
    assert [shelf.has(one) for one in (image, statement, signature, f"{name}.sig")] == [False] * 4


def test_a_namespace_rules_where_a_repository_does_not_itself(shelf: Shelf) -> None:
    database = shelf.hub.database
    for name in (NAME, "acme/own", "other/app"):
        shelf.push("old", name=name)
    database.write(lambda db: add_namespace(database, db, "acme", "organisation", BY, adopt=True))
    policy = Policy(rules=(Rule(pushed_days=1),))
    database.write(lambda db: set_policy(database, db, get_namespace_place(db, "acme"), policy))
    shelf.rule(Policy(rules=(Rule(pushed_days=1000),)), "acme/own")
    shelf.later(10)
    assert database.read(list_ruled) == [NAME, "acme/own"]
    assert sweep_due(shelf.hub, 24) == [NAME]
    assert (shelf.tags("acme/own"), shelf.tags("other/app")) == (["old"], ["old"])


def test_the_hub_sweeps_by_itself_once_a_day(shelf: Shelf) -> None:
    shelf.push("a")
    shelf.rule(Policy(rules=(Rule(newest=1),)))
    shelf.later(1)
    shelf.push("b")
    assert sweep_due(shelf.hub, 24) == [NAME]
    shelf.seconds += 3600
    shelf.push("c")
    assert sweep_due(shelf.hub, 24) == []
    shelf.seconds += 23 * 3600
    assert sweep_due(shelf.hub, 24) == [NAME]
    assert shelf.tags() == ["c"]
    assert sweep_due(shelf.hub, 0) == []


def test_a_hub_that_does_not_delete_sweeps_nothing(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, Options(delete=False))
    image = shelf.push("v1")
    shelf.rule(Policy(rules=(Rule(pushed_days=0),)))
    shelf.later(10)
    assert [one.tag for one in preview(shelf.hub, NAME).going] == ["v1"]
    assert sweep_due(shelf.hub, 24) == []
    with pytest.raises(Unsupported, match="does not delete"):
        sweep(shelf.hub, NAME, BY)
    for path in ("manifests/v1", f"manifests/{image}", f"blobs/{digest_of(b'layer v1')}"):
        assert shelf.client.send("DELETE", f"/v2/{NAME}/{path}").status == 405
    assert shelf.tags() == ["v1"]
    shelf.client.close()


def test_what_went_is_told_and_noted(shelf: Shelf) -> None:
    heard: list[Happened] = []
    shelf.hub.events.listen(heard.extend)
    image = shelf.push("v1")
    shelf.rule(Policy(rules=(Rule(pushed_days=0),), untagged_days=0))
    shelf.later(1)
    sweep(shelf.hub, NAME, BY)
    shelf.later(1)
    sweep(shelf.hub, NAME, BY)
    shelf.hub.events.close()
    told = [(event.kind, event.reference, event.digest, event.actor) for event in heard[1:]]
    assert told == [("untag", "v1", image, "ana"), ("delete", "", image, "ana")]
    lines = [(entry.actor, entry.action, entry.target, entry.detail) for entry in list_entries(shelf.hub.database)]
    assert lines[-1] == ("ana", "retention.sweep", NAME, {"tags": 1, "manifests": 0, "gone": ["v1"]})


def test_without_a_policy_everything_stays(shelf: Shelf) -> None:
    shelf.push("v1")
    shelf.push(seed="untagged")
    shelf.later(10_000)
    assert sweep(shelf.hub, NAME, BY).going == []
    with pytest.raises(NotFound):
        preview(shelf.hub, "acme/nothing")


@pytest.mark.parametrize("policy", [Policy(rules=(Rule(tags="a b"),)), Policy(rules=(Rule(),) * 51)])
def test_what_is_no_policy_is_refused(shelf: Shelf, policy: Policy) -> None:
    shelf.push("v1")
    with pytest.raises(Invalid):
        shelf.rule(policy)
