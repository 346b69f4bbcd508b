"""What happens is told as docker's events tell it: the kinds, the words, the attributes, in order."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from support.docker import Docker, Server
from support.docker_load import UPGRADE, ask, begin

pytestmark = pytest.mark.root

_PATIENCE_SECONDS = 15.0


class Told:
    """What a server tells since this was made."""

    def __init__(self, server: Server) -> None:
        self._server, self._since = server, time.time()

    def events(self, **filters: list[str]) -> list[dict[str, Any]]:
        """All of it, or what the filters let through."""
        path = f"/events?since={self._since:.6f}&until={time.time():.6f}&filters={json.dumps(filters)}"
        return [json.loads(line) for line in ask(self._server.socket, "GET", path.replace(" ", "")).body.splitlines()]

    def words(self, **filters: list[str]) -> list[str]:
        """Kinds and actions."""
        return [f"{event['Type']} {event['Action']}" for event in self.events(**filters)]

    def until(self, word: str) -> list[str]:
        """The same, once this is among it."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while word not in (words := self.words()):
            assert time.monotonic() < deadline, words
            time.sleep(0.05)
        return words


@pytest.fixture
def told(server: Server) -> Told:
    return Told(server)


def test_the_life_of_a_container_is_told(docker: Docker, told: Told) -> None:
    docker.ok("create", "--name", "box", "--label", "a=b", "-v", "data:/data", "busybox", "sleep", "100")
    docker.ok("start", "box")
    docker.ok("pause", "box")
    docker.ok("unpause", "box")
    docker.ok("rename", "box", "crate")
    docker.ok("kill", "-s", "WINCH", "crate")
    docker.ok("stop", "-t", "0", "crate")
    told.until("container die")
    docker.ok("rm", "crate")
    docker.ok("volume", "rm", "data")
    words = [event["Action"] for event in told.events(type=["container"])]
    assert words[:7] == ["create", "start", "pause", "unpause", "rename", "kill", "kill"]
    assert (sorted(words[7:9]), words[9:]) == (["die", "stop"], ["destroy"])  # whoever notices first
    assert told.words(type=["volume"]) == ["volume mount", "volume unmount", "volume destroy"]
    found = {event["Action"]: event["Actor"]["Attributes"] for event in told.events(type=["container"])}
    assert found["rename"] | {"oldName": "/box", "name": "crate", "a": "b"} == found["rename"]
    assert (found["kill"]["signal"], found["die"]["exitCode"], found["die"]["execDuration"]) == ("15", "137", "0")


def test_an_exec_is_told_with_its_command_and_its_end(docker: Docker, told: Told) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sleep", "100")
    docker.run("exec", "box", "sh", "-c", "exit 3")
    told.until("container exec_die")
    made, begun, ended = told.events(event=["exec_create", "exec_start", "exec_die"])
    assert (made["Action"], begun["Action"]) == ("exec_create: sh -c exit 3", "exec_start: sh -c exit 3")
    assert ended["Actor"]["Attributes"]["exitCode"] == "3"
    assert made["Actor"]["Attributes"]["execID"] == ended["Actor"]["Attributes"]["execID"]


def test_a_container_that_removes_itself_is_told_to_its_end(docker: Docker, told: Told) -> None:
    assert docker.run("run", "--rm", "busybox", "sh", "-c", "exit 7").returncode == 7
    words = told.until("container destroy")
    assert [word for word in words if word.startswith("container")] == [
        f"container {word}" for word in ("create", "attach", "start", "die", "destroy")
    ]


def test_restarts_by_the_policy_are_told(docker: Docker, told: Told) -> None:
    docker.ok("run", "-d", "--restart", "on-failure:2", "busybox", "false")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while told.words(event=["die"]) != ["container die"] * 3:
        assert time.monotonic() < deadline, told.words()
        time.sleep(0.05)
    words = ["create", *["start", "die"] * 3]
    assert told.words(type=["container"]) == [f"container {word}" for word in words]


def test_who_leaves_by_the_keys_is_told_apart_from_who_just_leaves(docker: Docker, server: Server, told: Told) -> None:
    docker.ok("run", "-dit", "--name", "box", "busybox", "cat")
    path = "/containers/box/attach?stream=1&stdin=1&stdout=1"
    begin(server.socket, "POST", path, UPGRADE).close()
    with begin(server.socket, "POST", path, UPGRADE) as attached:
        attached.sendall(b"\x10\x11")
        told.until("container detach")
    assert told.words(event=["attach", "detach"]) == ["container attach", "container attach", "container detach"]


def test_a_change_of_health_is_told(docker: Docker, told: Told) -> None:
    check = ["--health-cmd", "test ! -e /ill", "--health-interval", "100ms", "--health-retries", "1"]
    docker.ok("run", "-d", "--name", "box", *check, "busybox", "sleep", "100")
    told.until("container health_status: healthy")
    docker.ok("exec", "box", "touch", "/ill")
    told.until("container health_status: unhealthy")
    assert told.words(event=["health_status"]) == [
        "container health_status: healthy",
        "container health_status: unhealthy",
    ]


def test_what_is_done_to_images_is_told(docker: Docker, told: Told, tmp_path: Path) -> None:
    docker.ok("tag", "busybox", "other:1")
    docker.ok("save", "-o", str(tmp_path / "saved"), "other:1")
    docker.ok("rmi", "other:1")
    docker.ok("load", "-i", str(tmp_path / "saved"))
    docker.ok("build", "-q", "-t", "built", "-", stdin=b"FROM busybox\nLABEL made=now\n")
    docker.ok("rmi", "built")
    docker.ok("image", "prune", "-f")
    words = ["tag", "save", "untag", "load", "tag", "untag", "delete", "prune"]
    assert told.words() == [f"image {word}" for word in words]
    assert told.events(image=["other"])[0]["Actor"]["Attributes"]["name"] == "other:1"
    assert told.events(label=["made=now"])[0]["Actor"]["Attributes"]["name"].startswith("built")


def test_networks_volumes_and_prunes_are_told(docker: Docker, told: Told) -> None:
    docker.ok("volume", "create", "data")
    docker.ok("network", "create", "net")
    docker.ok("network", "rm", "net")
    docker.ok("volume", "prune", "-af")
    docker.ok("container", "prune", "-f")
    docker.ok("builder", "prune", "-f")
    assert told.words() == [
        "volume create", "network create", "network destroy", "volume destroy", "volume prune", "container prune",
        "builder prune",
    ]  # fmt: skip
    assert told.events(type=["container"], event=["prune"])[0]["Actor"] == {"ID": "", "Attributes": {"reclaimed": "0"}}


def test_filters_choose_by_container_and_by_image(docker: Docker, told: Told) -> None:
    for name in ("one", "two"):
        docker.ok("create", "--name", name, "busybox", "true")
    assert [event["Actor"]["Attributes"]["name"] for event in told.events(container=["two"])] == ["two"]
    assert len(told.events(image=["busybox"], event=["create"])) == 2
    assert told.events(image=["nosuch"]) == []


def test_top_shows_the_columns_of_any_ps(docker: Docker, told: Told) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", "sleep 100 & wait")
    lines = docker.ok("top", "box", "-o", "pid,args").splitlines()
    assert lines[0].split() == ["PID", "COMMAND"]
    assert {line.split(None, 1)[1] for line in lines[1:]} == {"sh -c sleep 100 & wait", "sleep 100"}
    assert docker.ok("top", "box", "aux").splitlines()[0].split()[:4] == ["USER", "PID", "%CPU", "%MEM"]
    assert "PID" in docker.fails("top", "box", "-o", "comm")
    assert "nonsense" in docker.fails("top", "box", "-o", "nonsense")
    assert "container top" in told.words()
