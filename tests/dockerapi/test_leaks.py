"""What clients leave behind in the server and in a container's keeper, however they leave: nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support.docker import Docker, Server
from support.docker_load import Counts, Mix, ask, count, keeper_of
from support.hub import running_hub

pytestmark = pytest.mark.root

_PATIENCE_SECONDS = 20.0
_SLACK = 6  # threads of the pool, and connections to the records, that are kept for the next


def _settled(pid: int, wanted: Counts) -> Counts:
    """The counts, once they are as few as wanted or it has taken long."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        found = count(pid)
        few = found.threads <= wanted.threads + _SLACK and found.descriptors <= wanted.descriptors + _SLACK
        if (few and found.children <= wanted.children) or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def test_hundreds_of_requests_of_every_kind_leave_nothing_behind(docker: Docker, server: Server) -> None:
    docker.ok("run", "-d", "-i", "--name", "box", "busybox", "sh", "-c", "echo begun; cat")
    assert server.process is not None
    pids = [server.process.pid, keeper_of(int(docker.ok("inspect", "-f", "{{.State.Pid}}", "box")))]
    mix = Mix(server.socket, "box", "busybox")
    mix.run(60)
    before = [_settled(pid, Counts(0, 0, 0, 0)._replace(threads=30, descriptors=60, children=1)) for pid in pids]
    mix.run(400)
    after = [_settled(pid, counts) for pid, counts in zip(pids, before, strict=True)]
    for counts, was in zip(after, before, strict=True):
        assert counts.threads <= was.threads + _SLACK, f"{was} became {counts}"
        assert counts.descriptors <= was.descriptors + _SLACK, f"{was} became {counts}"
        assert counts.children <= was.children, f"{was} became {counts}"


def test_pulls_and_pushes_share_connections(docker: Docker, server: Server, tmp_path: Path) -> None:
    assert server.process is not None
    with running_hub(tmp_path / "hub") as hub:
        docker.ok("tag", "busybox", f"{hub}/busybox")
        docker.ok("push", f"{hub}/busybox")
        before = count(server.process.pid)
        for _ in range(30):
            answer = ask(server.socket, "POST", f"/images/create?fromImage={hub}/busybox&tag=latest")
            assert b"Image is up to date" in answer.body
        after = count(server.process.pid)
    assert after.descriptors <= before.descriptors + _SLACK, f"{before} became {after}"
