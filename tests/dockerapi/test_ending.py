"""The server ends, politely or not; what it served goes on, and is found again by the next."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.docker import Docker, Server, running_server
from support.docker_load import UPGRADE, begin
from support.examples import make_busybox
from support.terminal import Terminal

pytestmark = pytest.mark.root

_PATIENCE_SECONDS = 20.0


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[Server, Docker]]:
    if shutil.which("docker") is None:
        pytest.skip("docker's client is not on this machine")
    terminal = Terminal(tmp_path)
    terminal.ok("import", "-c", 'CMD ["sh"]', "-", "busybox", stdin=make_busybox())
    with running_server(terminal) as (server, docker):
        yield server, docker
        left = docker.ok("ps", "-aq").split()
        if left:
            docker.ok("rm", "-f", *left)


def _wait(fits: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not fits():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_streams_that_are_open_do_not_keep_it_from_ending(serving: tuple[Server, Docker]) -> None:
    server, docker = serving
    docker.ok("run", "-d", "-i", "--name", "box", "busybox", "cat")
    box = "/containers/box"
    with contextlib.ExitStack() as held:
        for method, path, head in (
            ("GET", "/events", ""), ("GET", f"{box}/logs?stdout=1&follow=1", ""), ("GET", f"{box}/stats", ""),
            ("POST", f"{box}/attach?stream=1&stdin=1&stdout=1", UPGRADE), ("POST", f"{box}/wait", UPGRADE),
        ):  # fmt: skip
            held.enter_context(begin(server.socket, method, path, head))
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10
        assert server.process is not None and server.process.returncode == 0
        assert not server.socket.exists()
    server.start()
    assert docker.ok("exec", "box", "echo", "well") == "well\n"


def test_after_a_kill_containers_health_and_restarts_go_on(serving: tuple[Server, Docker]) -> None:
    server, docker = serving
    check = ["--health-cmd", "test -e /well", "--health-interval", "100ms", "--health-retries", "1"]
    docker.ok("run", "-d", "--name", "box", "--restart", "always", *check, "busybox", "sleep", "100")
    server.stop(signal.SIGKILL)
    server.start()

    def seen(field: str) -> str:
        return docker.ok("inspect", "-f", f"{{{{.{field}}}}}", "box").strip()

    assert seen("State.Status") == "running"
    docker.ok("exec", "box", "touch", "/well")
    _wait(lambda: seen("State.Health.Status") == "healthy")
    os.kill(int(seen("State.Pid")), signal.SIGKILL)  # it did not end itself, and nobody stopped it
    _wait(lambda: seen("RestartCount") == "1" and seen("State.Status") == "running")


def test_the_next_server_hears_of_ends_that_this_one_has_not_begun(serving: tuple[Server, Docker]) -> None:
    """A new version of Capas is taken up while containers run."""
    server, docker = serving
    docker.ok("run", "-d", "-i", "--name", "box", "busybox", "sh", "-c", "read line; exit 5")
    server.stop()
    server.start()
    waiting = docker.popen("wait", "box")
    with begin(server.socket, "POST", "/containers/box/attach?stream=1&stdin=1", UPGRADE) as attached:
        attached.sendall(b"now\n")
        assert waiting.communicate(timeout=20)[0] == b"5\n"
