"""One server over a store with busybox in it for each file of tests; each test cleans up after itself."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.docker import Docker, Server, running_server
from support.examples import make_busybox
from support.terminal import Terminal

if TYPE_CHECKING:
    from docker import DockerClient


@pytest.fixture(scope="module")
def serving() -> Iterator[tuple[Server, Docker]]:
    if shutil.which("docker") is None:
        pytest.skip("docker's client is not on this machine")
    root = Path(tempfile.mkdtemp(prefix="capas-docker-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    terminal = Terminal(root)
    terminal.ok("import", "-c", 'CMD ["sh"]', "-c", "LABEL made=here", "-", "busybox", stdin=make_busybox())
    with running_server(terminal) as (server, docker):
        yield server, docker
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def server(serving: tuple[Server, Docker]) -> Server:
    return serving[0]


@pytest.fixture
def docker(serving: tuple[Server, Docker]) -> Iterator[Docker]:
    _, client = serving
    yield client
    left = client.ok("ps", "-aq", "--no-trunc").split()
    if left:
        client.ok("rm", "-f", *left)
    names = set(client.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()) - {"busybox:latest"}
    if names:
        client.run("rmi", "-f", *names)


@pytest.fixture
def client(docker: Docker) -> Iterator[DockerClient]:
    """docker-py, on the same server."""
    from docker import DockerClient

    client = DockerClient(docker.environ["DOCKER_HOST"], timeout=60)
    yield client
    client.close()
    with warnings.catch_warnings():  # it leaves its sockets to the collector, which comes in another test else
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
