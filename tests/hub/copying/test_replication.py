"""Images copied by rule to and from real registries: docker-registry, and another hub."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from capas.hub.app import App, create_app
from capas.hub.config import Config
from capas.hub.copying.replication.replicate import replicate
from capas.hub.copying.replication.rules import Rule, add_rule, change_rule
from capas.hub.copying.replication.runs import Item, Run, claim, enqueue, get_run, list_items, list_runs
from capas.hub.copying.replication.worker import Worker
from capas.hub.outside import OutsideConfig
from capas.settings import load_settings
from hub.copying.test_cached_manifests import Clock
from support.hub import running_hub
from support.hub_client import INDEX, MANIFEST, HubClient, describe
from support.registry_peer import PASSWORD, USER, running_registry
from support.upstream import Upstream

pytestmark = pytest.mark.peer("docker-registry")
LOOPBACK = Config(outside=OutsideConfig(["127.0.0.0/8", "::1/128"]))
SETTINGS = load_settings({"HOME": "/nonexistent", "CAPAS_CONFIG": "/nonexistent"})
EMPTY = b"{}"


class Ours(HubClient):
    """The hub that the rules are of, and its parts."""

    app: App
    clock: Clock


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Ours]:
    clock = Clock()
    app = create_app(tmp_path / "ours", config=LOOPBACK, now_ns=clock)
    with running_hub(tmp_path / "ours", app=app) as address:
        client = Ours(address, "team/app")
        client.app, client.clock = app, clock
        yield client
        client.close()


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[HubClient]:
    with running_registry(tmp_path / "theirs") as address:
        client = HubClient(address, "team/app")
        yield client
        client.close()


@pytest.fixture
def another(tmp_path: Path) -> Iterator[HubClient]:
    with running_hub(tmp_path / "another") as address:
        client = HubClient(address, "team/app")
        yield client
        client.close()


def ruled(ours: Ours, there: str, direction: str = "push", **options: Any) -> Rule:
    rule = Rule("copy", direction, f"http://{there}", **options)  # type: ignore[arg-type]
    return ours.app.hub.database.write(lambda db: add_rule(db, rule, ours.clock()))


def run(ours: Ours, rule: Rule, scope: str = "") -> Run:
    hub = ours.app.hub
    number = hub.database.write(lambda db: enqueue(db, rule.number, "hand", scope, ours.clock()))
    claimed = hub.database.write(lambda db: claim(db, "me", ours.clock(), number=number))
    assert claimed is not None
    replicate(hub, claimed, "me", SETTINGS)
    return hub.database.read(lambda db: get_run(db, number))


def items(ours: Ours, done: Run) -> list[Item]:
    return ours.app.hub.database.read(lambda db: list_items(db, done.number))


def tags(client: HubClient, name: str = "team/app") -> list[str]:
    answer = client.send("GET", f"/v2/{name}/tags/list")
    return sorted(json.loads(answer.data)["tags"] or []) if answer.status == 200 else []


def push_index(client: HubClient, tag: str) -> str:
    images = [client.push_image(seed=seed) for seed in (b"one", b"two")]
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [describe(MANIFEST, one.data) for one in images]}
    answer = client.put(tag, document, INDEX)
    assert answer.status == 201
    return str(answer.headers["docker-content-digest"])


def test_a_tag_is_sent_with_its_digest_and_sent_once(ours: Ours, theirs: HubClient) -> None:
    image, index = ours.push_image("1.0", seed=b"one"), push_index(ours, "all")
    rule = ruled(ours, theirs.address)
    first = run(ours, rule)
    assert (first.state, first.copied, first.failed) == ("done", 2, 0)
    assert theirs.send("GET", "manifests/1.0", headers={"accept": MANIFEST}).data == image.data
    got = theirs.send("GET", "manifests/all", headers={"accept": INDEX})
    assert got.headers["docker-content-digest"] == index
    second = run(ours, rule)
    assert (second.same, second.copied, second.sent_bytes) == (2, 0, 0)


def test_only_what_the_rule_names_is_sent_and_under_the_name_that_it_gives(ours: Ours, theirs: HubClient) -> None:
    for tag in ("1.9", "1.10", "1.2", "latest", "dev-1"):
        ours.push_image(tag, seed=tag.encode())
    ours.name = "team/secret"
    ours.push_image("1.0")
    rule = ruled(
        ours, theirs.address, repositories=("ap*",), tags=("*.*", "latest"), newest=2,
        source_prefix="team", target_prefix="backup/of",
    )  # fmt: skip
    assert run(ours, rule).copied == 3
    assert tags(theirs, "backup/of/app") == ["1.10", "1.9", "latest"]
    assert json.loads(theirs.send("GET", "/v2/_catalog").data) == {"repositories": ["backup/of/app"]}


def test_what_refers_to_an_image_goes_along(ours: Ours, another: HubClient) -> None:
    image = ours.push_image("1.0")
    ours.push_blob(EMPTY)
    subject = describe(MANIFEST, image.data)
    signature = ours.push_image(seed=b"signature", subject=subject, artifactType="application/x.signature")
    rule = ruled(ours, another.address)
    assert run(ours, rule).state == "done"
    listed = json.loads(another.send("GET", f"referrers/{image.digest}").data)["manifests"]
    assert [one["digest"] for one in listed] == [signature.digest]
    late = ours.push_image(seed=b"late", subject=subject, artifactType="application/x.sbom")
    assert run(ours, rule).copied == 1
    assert another.send("GET", f"manifests/{late.digest}").status == 200


def test_a_blob_that_another_repository_there_has_is_mounted(ours: Ours, another: HubClient) -> None:
    big = os.urandom(300_000)
    rule = ruled(ours, another.address)
    for name in ("team/app", "team/other"):
        ours.name = another.name = name
        ours.push_blob(big)
        ours.push_image("1.0", seed=name.encode(), layers=[describe(MANIFEST, big)])
        done = run(ours, rule)
        assert done.state == "done"
        assert another.send("HEAD", "manifests/1.0").status == 200
    assert done.sent_bytes < 10_000


def test_tags_that_go_here_go_there_if_the_rule_says_so_and_no_others(ours: Ours, another: HubClient) -> None:
    ours.push_image("1.0", seed=b"one")
    ours.push_image("2.0", seed=b"two")
    another.push_image("theirs", seed=b"theirs")
    rule = ruled(ours, another.address, deletes=True)
    run(ours, rule)
    ours.send("DELETE", "manifests/1.0")
    ours.send("DELETE", "manifests/2.0")
    another.push_image("2.0", seed=b"moved by somebody else")
    done = run(ours, rule)
    assert (done.state, done.deleted) == ("done", 2)
    assert tags(another) == ["2.0", "theirs"]


def test_docker_registry_deletes_no_tag_so_the_manifest_goes_if_nothing_else_of_ours_is_it(
    ours: Ours, theirs: HubClient
) -> None:
    for tag in ("1.0", "same-as-1.0"):
        ours.push_image(tag, seed=b"one")
    ours.push_image("2.0", seed=b"two")
    rule = ruled(ours, theirs.address, deletes=True)
    run(ours, rule)
    ours.send("DELETE", "manifests/1.0")
    ours.send("DELETE", "manifests/2.0")
    done = run(ours, rule)
    assert (done.deleted, done.failed) == (1, 1)
    assert "same-as-1.0" in items(ours, done)[0].why
    assert tags(theirs) == ["1.0", "same-as-1.0"]


def test_a_repository_is_brought_with_its_digests(ours: Ours, theirs: HubClient) -> None:
    image, index = theirs.push_image("1.0", seed=b"one"), push_index(theirs, "all")
    rule = ruled(ours, theirs.address, "pull", target_prefix="from")
    first = run(ours, rule)
    assert (first.state, first.copied) == ("done", 2), items(ours, first)
    ours.name = "from/team/app"
    assert ours.send("GET", "manifests/1.0").data == image.data
    assert ours.send("GET", "manifests/all").headers["docker-content-digest"] == index
    layer = json.loads(image.data)["layers"][0]["digest"]
    assert ours.send("GET", f"blobs/{layer}").data == b"layer of one"
    second = run(ours, rule)
    assert (second.same, second.sent_bytes) == (2, 0)


def test_what_refers_to_an_image_is_brought_along(ours: Ours, another: HubClient) -> None:
    image = another.push_image("1.0")
    subject = describe(MANIFEST, image.data)
    signature = another.push_image(seed=b"signature", subject=subject, artifactType="application/x.signature")
    assert run(ours, ruled(ours, another.address, "pull", repositories=("team/app",))).state == "done"
    listed = json.loads(ours.send("GET", f"referrers/{image.digest}").data)["manifests"]
    assert [one["digest"] for one in listed] == [signature.digest]


def test_a_registry_that_lies_about_a_blob_brings_nothing_and_the_run_says_why(ours: Ours) -> None:
    with Upstream() as upstream:
        good, bad = upstream.add_image("team/app", "good"), upstream.add_image("team/app", "bad", layer=b"evil")
        upstream.wrong[bad.layer] = b"live"
        done = run(ours, ruled(ours, upstream.address, "pull", repositories=("team/app",)))
    assert (done.state, done.copied, done.failed) == ("waiting", 1, 1)
    assert [(one.reference, one.outcome) for one in items(ours, done)] == [("bad", "failed"), ("good", "copied")]
    assert bad.layer[:19] in items(ours, done)[0].why
    assert ours.send("GET", f"manifests/{good.digest}").status == 200
    assert tags(ours) == ["good"]


def test_a_brought_blob_that_is_here_for_others_is_fetched_all_the_same(ours: Ours) -> None:
    """A registry that only knows the digest of a private layer must not get it into its own repository."""
    ours.push_blob(b"a secret")
    with Upstream() as upstream:
        image = upstream.add_image("team/thief", "1.0", layer=b"a secret")
        upstream.wrong[image.layer] = b"whatever"
        done = run(ours, ruled(ours, upstream.address, "pull", repositories=("team/thief",)))
        assert done.failed == 1
    assert ours.send("GET", f"/v2/team/thief/blobs/{image.layer}").status == 404


def test_a_run_that_fails_is_tried_again_later_and_at_last_given_up(ours: Ours) -> None:
    ours.push_image("1.0")
    with Upstream() as upstream:
        gone = upstream.address
    rule, hub = ruled(ours, gone), ours.app.hub
    done = run(ours, rule)
    assert (done.state, done.failed) == ("waiting", 1)
    waits = []
    while done.state == "waiting":
        waits.append((done.due_ns - ours.clock()) // 10**9)
        assert hub.database.write(lambda db: claim(db, "me", ours.clock())) is None
        ours.clock.go_on(waits[-1])
        claimed = hub.database.write(lambda db: claim(db, "me", ours.clock()))
        assert claimed is not None
        replicate(hub, claimed, "me", SETTINGS)
        done = hub.database.read(partial(get_run, number=done.number))
    assert (done.state, waits) == ("failed", [30, 60, 120, 240])


def test_a_login_is_kept_encrypted_and_used(ours: Ours, tmp_path: Path) -> None:
    ours.push_image("1.0")
    with running_registry(tmp_path / "login", login=True) as address:
        wrong = ruled(ours, address, username=USER, secret=ours.app.hub.seal.close("a guess"))
        assert run(ours, wrong).failed == 1
        right = wrong._replace(secret=ours.app.hub.seal.close(PASSWORD))
        ours.app.hub.database.write(lambda db: change_rule(db, right))
        assert run(ours, right).state == "done"
    for file in (tmp_path / "ours").glob("records.sqlite*"):
        assert PASSWORD.encode() not in file.read_bytes()
    assert PASSWORD not in repr(right)


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1:5000", "[::1]:5000", "127.0.0.1:5000"])
def test_a_rule_does_not_lead_into_the_network_of_the_hub(tmp_path: Path, address: str) -> None:
    clock = Clock()
    app = create_app(tmp_path, now_ns=clock)
    client = Ours("none")
    client.app, client.clock = app, clock
    done = run(client, ruled(client, address, "pull", repositories=("latest/meta-data",)))
    assert "not on the public internet" in done.error
    app.close()


def test_a_run_is_done_by_one_of_several_processes(ours: Ours, theirs: HubClient) -> None:
    database, rule = ours.app.hub.database, ruled(ours, theirs.address)
    numbers = {database.write(lambda db: enqueue(db, rule.number, "event", "a:1", ours.clock())) for _ in range(3)}
    assert len(numbers) == 1
    taken = [database.write(lambda db, who=who: claim(db, who, ours.clock())) for who in ("one", "two")]  # type: ignore[misc]
    assert taken[0] is not None
    assert taken[1] is None
    ours.clock.go_on(61)  # the one that had it is dead
    again = database.write(lambda db: claim(db, "two", ours.clock()))
    assert again is not None
    assert (again.number, again.attempts) == (taken[0].number, 2)


@pytest.fixture
def working(ours: Ours) -> Iterator[Callable[[Callable[[], bool]], None]]:
    worker = Worker(ours.app.hub, SETTINGS)
    worker.start()

    def until(met: Callable[[], bool]) -> None:
        limit = time.monotonic() + 60
        while not met():
            assert time.monotonic() < limit
            time.sleep(0.05)

    with ExitStack() as stack:
        stack.callback(worker.close)
        yield until


def test_what_is_pushed_is_sent_on_and_what_is_deleted_too(
    ours: Ours, another: HubClient, working: Callable[[Callable[[], bool]], None]
) -> None:
    rule = ruled(ours, another.address, on_event=True, deletes=True, tags=("1.*",))
    ours.push_image("2.0", seed=b"not matching")
    image = ours.push_image("1.0", seed=b"one")
    working(lambda: another.send("GET", "manifests/1.0").data == image.data)
    referrer = ours.push_image(seed=b"about it", subject=describe(MANIFEST, image.data))
    working(lambda: another.send("HEAD", f"manifests/{referrer.digest}").status == 200)
    ours.send("DELETE", "manifests/1.0")
    working(lambda: tags(another) == [])
    runs = ours.app.hub.database.read(lambda db: list_runs(db, rule.number))
    assert {one.cause for one in runs} == {"event"}
    assert "team/app:2.0" not in {one.scope for one in runs}


def test_a_rule_runs_by_the_clock(ours: Ours, theirs: HubClient, working: Callable[[Callable[[], bool]], None]) -> None:
    theirs.push_image("1.0", seed=b"one")
    ruled(ours, theirs.address, "pull", every_seconds=3600, repositories=("team/app",))
    working(lambda: tags(ours) == ["1.0"])
    theirs.push_image("2.0", seed=b"two")
    ours.clock.go_on(3601)
    working(lambda: tags(ours) == ["1.0", "2.0"])
