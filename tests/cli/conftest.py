"""A store with busybox in it, made once a session, for what runs containers from the terminal."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.examples import make_busybox
from support.terminal import Terminal


@pytest.fixture(scope="session")
def busybox_tar() -> bytes:
    """The busybox tree of the examples, as a tar."""
    return make_busybox()


@pytest.fixture(scope="session")
def furnished(busybox_tar: bytes) -> Iterator[Terminal]:
    """Capas with the image `busybox`: root, a store in memory's file system."""
    root = Path(tempfile.mkdtemp(prefix="capas-cli-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    terminal = Terminal(root)
    changes = ["-c", 'CMD ["sh"]', "-c", "ENV FROM_IMAGE=yes", "-c", "LABEL made=here", "-c", "EXPOSE 80"]
    terminal.ok("import", *changes, "-", "busybox", stdin=busybox_tar)
    yield terminal
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def capas(furnished: Terminal) -> Iterator[Terminal]:
    """The same, without containers and with `busybox` for its only name when the test has ended."""
    yield furnished
    left = furnished.ok("ps", "-aq", "--no-trunc").split()
    if left:
        furnished.ok("rm", "-f", *left)
    names = set(furnished.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()) - {"busybox:latest"}
    if names:
        furnished.run("rmi", "-f", *names)
