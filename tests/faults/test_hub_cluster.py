"""Several hubs on one PostgreSQL and one SeaweedFS: any of them goes on where another stopped, and any may die."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import urllib3

from capas.hub.app import create_app
from capas.hub.config import Config, ServerConfig
from capas.hub.hub import Options
from capas.hub.keeping.collect import collect
from capas.hub.people.accounts import NewUser, create_user
from capas.hub.people.audit import By
from capas.hub.records.database import Database
from capas.hub.records.place import DatabaseConfig
from capas.hub.seal import SecretsConfig
from capas.oci.digest import Digest
from support.cluster import Cluster, RoundRobin, running_cluster, until_done
from support.hub_client import CONFIG, LAYER, MANIFEST, describe, digest_of
from support.seaweed import Seaweed

PART = 8 << 20


@pytest.fixture
def config(postgres_url: str, seaweed: Seaweed) -> Config:
    return Config(database=DatabaseConfig(postgres_url), storage=seaweed.make())


@pytest.fixture
def cluster(tmp_path: Path, config: Config) -> Iterator[Cluster]:
    with running_cluster(tmp_path, config, open=True) as found:
        yield found


def test_an_upload_in_chunks_goes_from_hub_to_hub(cluster: Cluster) -> None:
    hub, data = RoundRobin(cluster, "app"), os.urandom(2 * PART + 12345)
    location, start = hub.send("POST", "blobs/uploads/").headers["location"], 0
    for size in (1, 1000, PART, 5, len(data)):
        chunk = data[start : start + size]
        span = {"content-range": f"{start}-{start + len(chunk) - 1}"}
        assert hub.send("PATCH", location, body=chunk, headers=span).status == 202
        start += len(chunk)
        assert hub.send("GET", location).headers["range"] == f"0-{start - 1}"
    assert hub.send("PUT", f"{location}?digest={digest_of(data)}").status == 201
    for _ in cluster.addresses:
        assert hub.send("GET", f"blobs/{digest_of(data)}").data == data
        assert hub.send("GET", location).status == 404
    hub.close()


@pytest.mark.parametrize("size", [100, 3 * PART], ids=["small", "large"])
def test_what_one_hub_took_another_one_finishes(cluster: Cluster, size: int) -> None:
    """What docker does: POST, one PATCH with everything, an empty PUT."""
    hub, data = RoundRobin(cluster, "app"), os.urandom(size)
    for _ in cluster.addresses:
        hub.send("GET", "/v2/")
        location = hub.send("POST", "blobs/uploads/").headers["location"]
        assert hub.send("PATCH", location, body=data).status == 202
        assert hub.send("PUT", f"{location}?digest={digest_of(data)}").status == 201
    assert hub.send("GET", f"blobs/{digest_of(data)}").data == data
    hub.close()


def test_what_was_pushed_to_one_hub_is_there_in_all_at_once(cluster: Cluster) -> None:
    hub = RoundRobin(cluster, "app")
    for number in range(20):
        pushed = hub.push_image("latest", seed=b"%d" % number)
        for _ in cluster.addresses:
            assert hub.send("GET", "manifests/latest").data == pushed.data
    hub.send("DELETE", f"manifests/{pushed.digest}")
    for _ in cluster.addresses:
        assert hub.send("HEAD", "manifests/latest").status == 404
    hub.close()


def test_a_killed_hub_loses_no_session(cluster: Cluster) -> None:
    hub, data = RoundRobin(cluster, "app"), os.urandom(PART + 5)
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    assert hub.send("PATCH", location, body=data[:1000]).status == 202
    for number in range(len(cluster.addresses)):
        cluster.kill(number)
        cluster.restart(number)
    assert hub.send("GET", location).headers["range"] == "0-999"
    assert hub.send("PATCH", location, body=data[1000:]).status == 202
    assert hub.send("PUT", f"{location}?digest={digest_of(data)}").status == 201
    hub.close()


def test_a_pass_of_one_hub_is_good_at_the_others(tmp_path: Path, config: Config) -> None:
    server = ServerConfig(public_url="http://hub.example")
    shared = msgspec.structs.replace(config, server=server, secrets=SecretsConfig("k" * 43 + "="))
    with running_cluster(tmp_path, shared, open=False) as cluster:
        database = Database(config.database.url)
        create_user(database, NewUser("ana", "a long password"), By("local:test", "", time.time_ns()))
        database.close()
        hub, scope = RoundRobin(cluster, "ana/app"), "service=capas&scope=repository:ana/app:pull,push"
        basic = urllib3.make_headers(basic_auth="ana:a long password")
        for _ in cluster.addresses:
            hub.send("GET", "/healthz")
            answer = hub.send("GET", f"/token?{scope}", headers=basic)
            assert answer.status == 200, answer.data
            bearer = {"authorization": f"Bearer {json.loads(answer.data)['token']}"}
            for _ in cluster.addresses:
                assert hub.send("POST", "blobs/uploads/", headers=bearer).status == 202
        assert hub.send("POST", "blobs/uploads/").status == 401
        hub.close()


class Pushers:
    """Threads that push images of their own, again and again until acknowledged, and keep what was acknowledged."""

    def __init__(self, cluster: Cluster, count: int = 4) -> None:
        self._cluster = cluster
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(count)
        self.acknowledged: dict[tuple[str, str], list[bytes]] = {}
        self._running = [self._pool.submit(self._push_all, number) for number in range(count)]

    def stop(self) -> None:
        """After the push under way. Raises: what a push could not get over."""
        self._stop.set()
        for one in self._running:
            one.result(120)

    def wait_for(self, count: int) -> None:
        """Until so many more images are acknowledged."""
        wanted, limit = len(self.acknowledged) + count, time.monotonic() + 120
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < limit
            for one in self._running:
                assert not one.done(), one.exception()
            time.sleep(0.02)

    def _push_all(self, number: int) -> None:
        hub, turn = RoundRobin(self._cluster, f"team/app{number}"), 0
        while not self._stop.is_set():
            turn += 1
            size = (2 * PART, 70_000)[turn % 5 > 0]
            layers = [b"a base of all", os.urandom(size), b"%d %d" % (number, turn)]
            data = until_done(lambda: push(hub, f"v{turn}", layers))  # noqa: B023  called at once
            self.acknowledged[hub.name, f"v{turn}"] = [data, *layers]
        hub.close()


def push(hub: RoundRobin, tag: str, layers: list[bytes]) -> bytes:
    """As a client does it: look, send, name. Raises: AssertionError where the hub does not acknowledge."""
    config = json.dumps({"made": tag}).encode()
    for blob in (config, *layers):
        if hub.send("HEAD", f"blobs/{digest_of(blob)}").status != 200:
            hub.push_blob(blob)
    described = [describe(LAYER, layer) for layer in layers]
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": describe(CONFIG, config), "layers": described}
    data = json.dumps(document).encode()
    answer = hub.put(tag, data)
    assert answer.status == 201, answer.data
    return data


def check(cluster: Cluster, pushers: Pushers) -> None:
    """All that was acknowledged is there, byte for byte."""
    for (name, tag), (data, *layers) in pushers.acknowledged.items():
        hub = RoundRobin(cluster, name)
        assert hub.send("GET", f"manifests/{tag}").data == data, (name, tag)
        for layer in layers:
            assert hub.send("GET", f"blobs/{digest_of(layer)}").data == layer, (name, tag)
        hub.close()


def test_hubs_killed_during_pushes_lose_nothing_acknowledged(cluster: Cluster) -> None:
    pushers = Pushers(cluster)
    for number in (0, 1, 0, 1):
        pushers.wait_for(4)
        cluster.kill(number)
        pushers.wait_for(4)  # the other one goes on alone
        cluster.restart(number)
    pushers.stop()
    check(cluster, pushers)


def test_a_volume_server_killed_during_pushes_loses_nothing_acknowledged(cluster: Cluster, seaweed: Seaweed) -> None:
    pushers = Pushers(cluster)
    for _ in range(2):
        pushers.wait_for(4)
        seaweed.kill_volume()
        time.sleep(1)  # requests meet the store without it
        seaweed.start_volume()
        pushers.wait_for(4)
    pushers.stop()
    check(cluster, pushers)


def test_collecting_beside_pushes_to_several_hubs_loses_nothing(
    cluster: Cluster, config: Config, tmp_path: Path
) -> None:
    app = create_app(tmp_path / "collector", config=config, options=Options(grace_seconds=2, open=True))
    pushers = Pushers(cluster)
    for _ in range(6):
        pushers.wait_for(3)
        collect(app.hub)
    pushers.stop()
    check(cluster, pushers)
    for name, tag in pushers.acknowledged:
        hub = RoundRobin(cluster, name)
        assert hub.send("DELETE", f"manifests/{digest_of(pushers.acknowledged[name, tag][0])}").status == 202
        hub.close()
    later = app.hub._replace(now_ns=lambda: time.time_ns() + 3600 * 10**9)
    collect(later)
    assert [digest for digest, _ in app.hub.blobs.iterate() if digest != Digest.of(b"")] == []
    app.close()
