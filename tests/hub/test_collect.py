"""Collecting: what nobody needs goes, what a push counts on stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas import clock
from capas.hub.app import create_app
from capas.hub.hub import Options
from capas.hub.keeping.collect import collect, foresee
from capas.hub.spans import SECOND_NS
from support.asgi import Direct
from support.hub import running_hub
from support.hub_client import CONFIG, LAYER, MANIFEST, HubClient, describe, digest_of

HOUR = 3600


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000_000

    def __call__(self) -> int:
        return self.seconds * SECOND_NS


class Shelf:
    """A hub, its clock, and the few requests of a push."""

    def __init__(self, root: Path) -> None:
        self.clock = Clock()
        self.app = create_app(root, now_ns=self.clock, options=Options(grace_seconds=HOUR))
        self.client = Direct(self.app)
        self.collect = lambda: collect(self.app.hub)

    def push_blob(self, name: str, data: bytes) -> str:
        answer = self.client.send("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(data)}", data)
        assert answer.status == 201
        return digest_of(data)

    def put_manifest(self, name: str, tag: str, *layers: bytes) -> str:
        document = {
            "schemaVersion": 2,
            "config": describe(CONFIG, b"{}"),
            "layers": [describe(LAYER, layer) for layer in layers],
        }
        headers = {"content-type": MANIFEST}
        answer = self.client.send("PUT", f"/v2/{name}/manifests/{tag}", json.dumps(document).encode(), headers)
        assert answer.status == 201, answer.data
        return answer.headers["docker-content-digest"]

    def push(self, name: str, tag: str, *layers: bytes) -> str:
        for data in (b"{}", *layers):
            self.push_blob(name, data)
        return self.put_manifest(name, tag, *layers)

    def holds(self, name: str, data: bytes) -> bool:
        return self.client.send("GET", f"/v2/{name}/blobs/{digest_of(data)}").data == data


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.client.close()


def test_what_a_manifest_needs_stays(shelf: Shelf) -> None:
    shelf.push("app", "v1", b"layer")
    shelf.clock.seconds += 10 * HOUR
    assert shelf.collect()[:3] == (0, 0, 0)
    assert shelf.holds("app", b"layer")


def test_a_deleted_manifest_frees_what_no_other_needs(shelf: Shelf) -> None:
    digest = shelf.push("app", "v1", b"only of v1", b"shared")
    shelf.push("app", "v2", b"shared")
    shelf.client.send("DELETE", f"/v2/app/manifests/{digest}")
    shelf.clock.seconds += 2 * HOUR
    found = shelf.collect()
    assert (found.blobs, found.size, found.links) == (1, len(b"only of v1"), 1)
    assert shelf.holds("app", b"shared")
    assert not shelf.holds("app", b"only of v1")


def test_a_blob_that_another_repository_needs_stays_there_alone(shelf: Shelf) -> None:
    digest = shelf.push("one", "v1", b"layer")
    shelf.push("two", "v1", b"layer")
    shelf.client.send("DELETE", f"/v2/one/manifests/{digest}")
    shelf.clock.seconds += 2 * HOUR
    found = shelf.collect()
    assert (found.blobs, found.links) == (0, 2)
    assert shelf.holds("two", b"layer")
    assert not shelf.holds("one", b"layer")


def test_a_push_under_way_keeps_its_blobs(shelf: Shelf) -> None:
    shelf.push_blob("app", b"{}")
    shelf.push_blob("app", b"layer")
    shelf.clock.seconds += HOUR - 1
    assert shelf.collect().blobs == 0
    shelf.put_manifest("app", "v1", b"layer")


def test_a_blob_that_a_push_asked_for_counts_as_new(shelf: Shelf) -> None:
    for data in (b"{}", b"layer"):
        shelf.push_blob("app", data)
    shelf.clock.seconds += HOUR - 1
    for data in (b"{}", b"layer"):
        assert shelf.client.send("HEAD", f"/v2/app/blobs/{digest_of(data)}").status == 200
    shelf.clock.seconds += HOUR // 2
    assert shelf.collect().blobs == 0
    shelf.put_manifest("app", "v1", b"layer")


def test_a_mounted_blob_counts_as_new(shelf: Shelf) -> None:
    digest = shelf.push("one", "v1", b"layer")
    shelf.clock.seconds += 5 * HOUR
    path = f"/v2/two/blobs/uploads/?mount={digest_of(b'layer')}&from=one"
    assert shelf.client.send("POST", path).status == 201
    shelf.client.send("DELETE", f"/v2/one/manifests/{digest}")
    assert shelf.collect().links == 2
    assert shelf.holds("two", b"layer")


def test_a_repository_that_holds_nothing_is_forgotten(shelf: Shelf) -> None:
    shelf.push_blob("app", b"layer")
    shelf.clock.seconds += 2 * HOUR
    shelf.collect()
    assert json.loads(shelf.client.send("GET", "/v2/_catalog").data) == {"repositories": []}


def test_an_upload_that_nobody_goes_on_with_is_dropped(tmp_path: Path) -> None:
    later = Clock()
    app = create_app(tmp_path, options=Options(stale_seconds=HOUR))
    client = Direct(app)
    location = client.send("POST", "/v2/app/blobs/uploads/").headers["location"]
    client.send("PATCH", location, b"some bytes")
    app.hub.uploads.close_idle(everything=True)
    assert collect(app.hub).uploads == 0
    later.seconds = app.hub.now_ns() // SECOND_NS + 2 * HOUR
    assert collect(app.hub._replace(now_ns=later)).uploads == 1
    assert client.send("GET", location).status == 404
    assert not list((tmp_path / "ingest").iterdir())
    client.close()


def test_collecting_beside_pushes_and_deletions_loses_nothing(tmp_path: Path) -> None:
    """Several clients push, check and delete the same few blobs while the collector runs without a pause."""
    app = create_app(tmp_path)
    stop = threading.Event()
    lost: list[str] = []
    rounds: list[int] = []

    def push(number: int, address: str) -> None:
        hub = HubClient(address, f"app{number}")
        for turn in range(40):
            data = b"blob %d" % (turn % 3)
            digest = hub.push_blob(data)
            if hub.send("GET", f"blobs/{digest}").data != data:
                lost.append(digest)
            assert hub.send("DELETE", f"blobs/{digest}").status == 202
        hub.close()

    def sweep() -> None:
        while not stop.is_set():
            rounds.append(collect(app.hub).blobs)

    with running_hub(tmp_path, app=app) as address:
        pushers = [threading.Thread(target=push, args=(number, address)) for number in range(4)]
        sweeper = threading.Thread(target=sweep)
        for thread in (*pushers, sweeper):
            thread.start()
        for thread in pushers:
            thread.join()
        stop.set()
        sweeper.join()
    assert not lost
    assert sum(rounds) > 0, "the collector never met anything to free"


def test_a_dry_run_says_what_would_go_and_changes_nothing(shelf: Shelf) -> None:
    digest = shelf.push("app", "v1", b"only of v1", b"shared")
    shelf.push("app", "v2", b"shared")
    shelf.push("other", "v1", b"only of v1 too")
    shelf.client.send("DELETE", f"/v2/app/manifests/{digest}")
    shelf.clock.seconds += 2 * HOUR
    foreseen = foresee(shelf.app.hub)
    assert foreseen == foresee(shelf.app.hub)
    assert shelf.holds("app", b"only of v1")
    assert (foreseen.blobs, foreseen.size, foreseen.links) == shelf.collect()[:3] == (1, len(b"only of v1"), 1)


def test_a_keeper_collects_from_the_command_line(shelf: Shelf, tmp_path: Path) -> None:
    shelf.clock.seconds = clock.now_ns() // SECOND_NS - 5 * HOUR
    digest = shelf.push("app", "v1", b"layer")
    shelf.client.send("DELETE", f"/v2/app/manifests/{digest}")
    command = [sys.executable, "-m", "capas", "hub", "collect", "--root", str(tmp_path)]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "LANG": "C.UTF-8"}
    said = [
        subprocess.run([*command, *flags], capture_output=True, text=True, check=True, env=environ).stdout
        for flags in (["--dry-run"], [], [])
    ]
    assert said[0].startswith("Would free 2 blobs, 7B")
    assert said[1].startswith("Freed 2 blobs, 7B")
    assert said[2].startswith("Freed 0 blobs")
    assert not list((tmp_path / "blobs" / "sha256").iterdir())
