"""Blobs of another registry: sent while they come, fetched once, never completed with other bytes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from capas.hub.config import Config
from capas.hub.copying.upstream import Upstream as Configured
from hub.copying.conftest import Copying
from hub.copying.test_cached_manifests import Clock
from support.hub import running_hub
from support.hub_client import HubClient, digest_of
from support.ports import wait_for_port
from support.registry_peer import free_port
from support.upstream import Upstream

NAME = "team/app"
BIG = os.urandom(3 << 20)
_SERVE = """
import sys
from pathlib import Path
from capas.hub.config import Config
from capas.hub.copying.upstream import Upstream
from capas.hub.serve import serve
config = Config(upstreams=(Upstream(prefix="up", url=sys.argv[2]),))
serve(Path(sys.argv[1]), port=int(sys.argv[3]), config=config)
"""


def whole(hub: HubClient, digest: str) -> bytes:
    answer = hub.send("GET", f"blobs/{digest}")
    assert answer.status == 200, answer.data
    return bytes(answer.data)


def stored(tmp_path: Path, digest: str, root: str = "hub") -> bool:
    return (tmp_path / root / "blobs" / "sha256" / digest.partition(":")[2]).exists()


def wait_for(path: Path) -> None:
    limit = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_blob_is_given_while_it_still_comes(upstream: Upstream, copying: Copying) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.held_from = 1 << 20
    hub = copying()
    hub.send("GET", "manifests/1.0")
    answer = hub.send("GET", f"blobs/{image.layer}", preload_content=False)
    first = answer.read(1 << 19)
    assert not upstream.go.is_set()
    upstream.go.set()
    assert first + answer.read() == BIG


def test_many_clients_are_one_fetch(upstream: Upstream, copying: Copying) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.held_from = 1 << 20
    hub = copying()
    with ThreadPoolExecutor(12) as pool:
        bodies = [pool.submit(whole, hub, image.layer) for _ in range(12)]
        time.sleep(0.3)
        upstream.go.set()
        assert all(body.result() == BIG for body in bodies)
    assert len(upstream.seen("GET", image.layer)) == 1
    assert whole(hub, image.layer) == BIG
    assert len(upstream.seen("GET", image.layer)) == 1


def test_a_client_that_leaves_does_not_end_the_fetch(upstream: Upstream, copying: Copying, tmp_path: Path) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.held_from = 1 << 20
    hub = copying()
    with socket.create_connection(hub.address.split(":")) as client:  # type: ignore[arg-type]
        client.sendall(f"GET /v2/up/{NAME}/blobs/{image.layer} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
        assert client.recv(100)
    upstream.go.set()
    wait_for(tmp_path / "hub" / "blobs" / "sha256" / image.layer.partition(":")[2])
    assert whole(hub, image.layer) == BIG
    assert len(upstream.seen("GET", image.layer)) == 1


def test_other_bytes_than_the_digest_are_cut_short_and_never_stored(
    upstream: Upstream, copying: Copying, tmp_path: Path
) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.wrong[image.layer] = BIG[:-1] + bytes([BIG[-1] ^ 1])
    upstream.held_from = 1 << 20
    hub = copying()
    answer = hub.send("GET", f"blobs/{image.layer}", preload_content=False)
    assert answer.read(1000)
    upstream.go.set()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        answer.read()
    assert not stored(tmp_path, image.layer)
    assert not list((tmp_path / "hub" / "ingest").iterdir())
    upstream.wrong.clear()
    assert whole(hub, image.layer) == BIG


def test_a_part_of_other_bytes_is_not_given_as_a_part_of_the_blob(upstream: Upstream, copying: Copying) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.wrong[image.layer] = bytes(len(BIG))
    answer = copying().send("GET", f"blobs/{image.layer}", headers={"range": "bytes=0-99"})
    assert answer.status == 502


def test_a_part_of_a_blob_that_is_not_here_yet_is_the_part_asked_for(upstream: Upstream, copying: Copying) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    answer = copying().send("GET", f"blobs/{image.layer}", headers={"range": "bytes=100-199"})
    assert (answer.status, answer.data) == (206, BIG[100:200])


def test_a_connection_that_breaks_off_is_gone_on_with(upstream: Upstream, copying: Copying) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.held_from = upstream.cut_at = 1 << 20
    hub = copying()
    hub.send("GET", "manifests/1.0")
    answer = hub.send("GET", f"blobs/{image.layer}", preload_content=False)
    first = answer.read(1000)
    threading.Timer(0.3, setattr, (upstream, "cut_at", None)).start()
    upstream.go.set()
    assert first + answer.read() == BIG
    assert [one.headers.get("Range", "") for one in upstream.seen("GET", image.layer)][1:]


def test_what_an_upstream_cut_off_for_good_is_cut_short_here_and_resumed_the_next_time(
    upstream: Upstream, copying: Copying
) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.held_from = upstream.cut_at = 1 << 20
    hub = copying()
    hub.send("GET", "manifests/1.0")
    answer = hub.send("GET", f"blobs/{image.layer}", preload_content=False)
    assert answer.read(1000)
    upstream.go.set()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        answer.read()
    upstream.cut_at = None
    upstream.asked.clear()
    assert whole(hub, image.layer) == BIG
    assert [one.headers.get("Range") for one in upstream.seen("GET", image.layer)] == [f"bytes={1 << 20}-"]


def test_a_blob_that_is_not_there_is_unknown(upstream: Upstream, copying: Copying) -> None:
    upstream.add_image(NAME, "1.0")
    hub = copying()
    for method in ("GET", "HEAD"):
        assert hub.send(method, f"blobs/{digest_of(b'none')}").status == 404


def test_head_of_a_blob_fetches_nothing(upstream: Upstream, copying: Copying) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    answer = copying().send("HEAD", f"blobs/{image.layer}")
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(BIG)))
    assert not upstream.seen("GET", image.layer)


def test_an_empty_blob_is_a_blob(upstream: Upstream, copying: Copying) -> None:
    image = upstream.add_image(NAME, "1.0", layer=b"")
    assert whole(copying(), image.layer) == b""


def test_a_blob_of_another_repository_of_the_upstream_is_not_fetched_twice(
    upstream: Upstream, copying: Copying
) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.add_image("team/other", "1.0", layer=BIG)
    hub = copying()
    assert whole(hub, image.layer) == BIG
    hub.name = "up/team/other"
    assert whole(hub, image.layer) == BIG
    assert len(upstream.seen("GET", image.layer)) == 1
    assert upstream.seen("HEAD", f"team/other/blobs/{image.layer}")


def test_beyond_its_limit_a_cache_lets_go_of_what_was_pulled_longest_ago(
    upstream: Upstream, copying: Copying, tmp_path: Path
) -> None:
    clock = Clock()
    layers = [bytes([number]) * 100_000 for number in range(4)]
    images = [upstream.add_image(NAME, f"{number}", layer=layer) for number, layer in enumerate(layers)]
    hub = copying(app={"now_ns": clock}, keep_bytes=250_000)
    for image, layer in zip(images[:2], layers, strict=False):
        assert whole(hub, image.layer) == layer
        clock.go_on(400)
    assert whole(hub, images[0].layer) == layers[0]  # pulled again: it stays
    clock.go_on(400)
    assert whole(hub, images[2].layer) == layers[2]
    wait_for_gone(tmp_path / "hub" / "blobs" / "sha256" / images[1].layer.partition(":")[2])
    assert stored(tmp_path, images[0].layer)
    assert whole(hub, images[1].layer) == layers[1]  # fetched again


def wait_for_gone(path: Path) -> None:
    limit = time.monotonic() + 10
    while path.exists():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.fixture
def two_processes(upstream: Upstream, tmp_path: Path) -> Iterator[list[tuple[HubClient, subprocess.Popen[bytes]]]]:
    """Two hubs, each a process of its own, over one root."""
    hubs = []
    try:
        for _ in range(2):
            port = free_port()
            process = subprocess.Popen([sys.executable, "-c", _SERVE, tmp_path / "hub", upstream.url, str(port)])
            hubs.append((HubClient(f"localhost:{port}", "up/" + NAME), process))
            wait_for_port(port)
        yield hubs
    finally:
        for client, process in hubs:
            client.close()
            process.kill()
            process.wait()


def test_a_second_process_goes_along_with_the_fetch_of_the_first(
    upstream: Upstream, two_processes: list[tuple[HubClient, subprocess.Popen[bytes]]]
) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.held_from = 1 << 20
    (one, _), (two, _) = two_processes
    bodies = [hub.send("GET", f"blobs/{image.layer}", preload_content=False) for hub in (one, two)]
    firsts = [body.read(1 << 19) for body in bodies]
    upstream.go.set()
    assert [first + body.read() for first, body in zip(firsts, bodies, strict=True)] == [BIG, BIG]
    assert len(upstream.seen("GET", image.layer)) == 1


def test_when_the_process_that_fetches_is_killed_the_other_goes_on_where_it_was(
    upstream: Upstream, two_processes: list[tuple[HubClient, subprocess.Popen[bytes]]]
) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.held_from = 1 << 20
    (one, first), (two, _) = two_processes
    assert one.send("GET", f"blobs/{image.layer}", preload_content=False).read(1000)
    body = two.send("GET", f"blobs/{image.layer}", preload_content=False)
    begun = body.read(1000)
    children = subprocess.run(["pgrep", "-P", str(first.pid)], capture_output=True, text=True).stdout.split()
    for pid in children:
        os.kill(int(pid), signal.SIGKILL)
    upstream.held_from = None
    assert begun + body.read() == BIG
    upstream.go.set()
    ranges = [one.headers.get("Range", "") for one in upstream.seen("GET", image.layer)]
    assert ranges[0] == ""
    assert ranges[1].startswith("bytes=")


def test_when_the_hub_ends_a_fetch_stops_and_is_gone_on_with_later(upstream: Upstream, tmp_path: Path) -> None:
    image = upstream.add_image(NAME, "1.0", layer=BIG)
    upstream.held_from = 1 << 20
    config = Config(upstreams=(Configured(prefix="up", url=upstream.url),))
    with running_hub(tmp_path, config=config) as address:
        hub = HubClient(address, "up/" + NAME)
        assert hub.send("GET", f"blobs/{image.layer}", preload_content=False).read(1000)
        began = time.monotonic()
        threading.Timer(
            0.5, upstream.go.set
        ).start()  # the upstream is slow: what it sends next is not waited for whole
        hub.close()
    assert time.monotonic() - began < 10
    upstream.asked.clear()
    upstream.held_from = None
    with running_hub(tmp_path, config=config) as address:
        hub = HubClient(address, "up/" + NAME)
        assert whole(hub, image.layer) == BIG
        hub.close()
