"""Clients that do not read what they asked for hold up themselves, and nobody else."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable

import pytest

from support.docker import Docker, Server
from support.docker_load import UPGRADE, ask, begin, count

pytestmark = pytest.mark.root

_PATIENCE_SECONDS = 30.0
_READERS = 50  # more than the pool has threads
_MEMORY = _READERS * (3 << 19)  # of the 8 MB and more that each of them has asked for
_LOUD = "yes $(printf %0400d) | head -20000; echo over"  # 8 MB: more than all buffers on the way hold


def _wait(fits: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not fits():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _answers(server: Server) -> None:
    began = time.monotonic()
    assert ask(server.socket, "GET", "/containers/json?all=1").status == 200
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "path",
    [
        "/containers/box/logs?stdout=1",
        "/containers/box/logs?stdout=1&follow=1",
        "/containers/box/export",
        "/images/busybox/get",
        "/events?since=1",
        "/containers/box/stats",
    ],
)
def test_fifty_that_do_not_read_keep_nobody_waiting_and_cost_little(docker: Docker, server: Server, path: str) -> None:
    script = f"head -c 20000000 /dev/zero >/big; {_LOUD}; sleep 100"
    docker.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", script)
    _wait(lambda: docker.ok("logs", "--tail", "1", "box") == "over\n")
    assert server.process is not None
    before = count(server.process.pid).memory
    with contextlib.ExitStack() as held:
        for _ in range(_READERS):
            held.enter_context(begin(server.socket, "GET", path))
        _answers(server)
        assert docker.ok("exec", "box", "echo", "well") == "well\n"
        assert count(server.process.pid).memory - before < _MEMORY


def test_a_container_waits_for_who_is_attached_and_goes_on_when_he_leaves(docker: Docker, server: Server) -> None:
    """As docker does it: what is attached loses nothing."""
    docker.ok("create", "--name", "box", "busybox", "sh", "-c", _LOUD)
    attached = begin(server.socket, "POST", "/containers/box/attach?stream=1&stdout=1", UPGRADE)
    docker.ok("start", "box")
    _answers(server)
    assert docker.ok("inspect", "-f", "{{.State.Status}}", "box") == "running\n"
    attached.close()
    assert docker.ok("wait", "box") == "0\n"
    assert docker.ok("logs", "--tail", "1", "box") == "over\n"


def test_a_reader_that_comes_late_gets_all_of_it(docker: Docker, server: Server) -> None:
    docker.ok("create", "--name", "box", "busybox", "seq", "1", "300000")
    with begin(server.socket, "POST", "/containers/box/attach?stream=1&stdout=1", UPGRADE) as attached:
        docker.ok("start", "box")
        _answers(server)
        said = b""
        while piece := attached.recv(1 << 20):
            said += piece
    assert said.endswith(b"\n299999\n300000\n")


def test_containers_that_do_not_read_their_input_hold_up_no_other(docker: Docker, server: Server) -> None:
    with contextlib.ExitStack() as held:
        for number in range(8):
            docker.ok("create", "-i", "--name", f"deaf{number}", "busybox", "sleep", "100")
            path = f"/containers/deaf{number}/attach?stream=1&stdin=1"
            client = held.enter_context(begin(server.socket, "POST", path, UPGRADE))
            docker.ok("start", f"deaf{number}")
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    client.send(bytes(1 << 20))
        assert docker.ok("run", "-i", "--rm", "busybox", "cat", stdin=b"heard\n") == "heard\n"


def test_events_that_nobody_reads_are_dropped_at_last(docker: Docker, server: Server) -> None:
    docker.ok("create", "--name", "box", "busybox", "true")
    assert server.process is not None
    before = count(server.process.pid).memory
    with begin(server.socket, "GET", "/events"):
        for number in range(600):
            ask(server.socket, "POST", f"/containers/box/rename?name=box{number % 2}")
        assert count(server.process.pid).memory - before < _MEMORY
        newest = ask(server.socket, "GET", f"/events?since=1&until={time.time():.6f}").body.splitlines()[-1]
    assert json.loads(newest)["Action"] == "rename"
