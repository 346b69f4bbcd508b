"""Many clients at once: who waits holds no thread that another needs."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.docker import Docker, Server
from support.docker_load import UPGRADE, ask, begin

pytestmark = pytest.mark.root


@pytest.fixture
def box(docker: Docker) -> str:
    docker.ok("run", "-d", "-i", "--name", "box", "busybox", "cat")
    return "/containers/box"


@pytest.mark.parametrize(
    ("method", "path", "head"),
    [
        ("POST", "/wait", "Connection: close\r\nContent-Length: 0\r\n"),
        ("POST", "/attach?stream=1&stdout=1", UPGRADE),
        ("GET", "/logs?stdout=1&follow=1", "Connection: close\r\n"),
    ],
)
def test_two_hundred_that_wait_leave_room_for_others(
    docker: Docker, server: Server, box: str, method: str, path: str, head: str
) -> None:
    with contextlib.ExitStack() as held:
        clients = [
            held.enter_context(begin(server.socket, method, box + path, head, answered=False)) for _ in range(200)
        ]
        assert docker.ok("exec", "box", "echo", "well") == "well\n"
        docker.ok("kill", "box")
        for client in clients:  # each hears of the end
            while client.recv(65_536):
                pass


def test_stops_that_take_their_time_are_no_hindrance(docker: Docker, server: Server, box: str) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(60):
            path = f"{box}/stop?t=-1&signal=WINCH"
            held.enter_context(begin(server.socket, "POST", path, "Content-Length: 0\r\n", answered=False))
        assert docker.ok("exec", "box", "echo", "well") == "well\n"
        docker.ok("kill", "box")


def test_fifty_at_once_are_all_answered(server: Server, box: str) -> None:
    def work(number: int) -> int:
        if number % 5:
            return ask(server.socket, "GET", "/containers/json").status
        made = ask(server.socket, "POST", f"{box}/exec", {"Cmd": ["echo", str(number)], "AttachStdout": True}).document
        assert isinstance(made, dict)
        answer = ask(server.socket, "POST", f"/exec/{made['Id']}/start", {"Detach": False})
        assert answer.body.endswith(f"{number}\n".encode())
        return answer.status

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(work, range(100))) == [200] * 100
