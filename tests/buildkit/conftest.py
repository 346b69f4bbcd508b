"""One builder over a store with busybox in it for each file of tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.buildkitd import Buildx, running_builder
from support.examples import make_busybox
from support.terminal import Terminal


@pytest.fixture(scope="module")
def buildx() -> Iterator[Buildx]:
    root = Path(tempfile.mkdtemp(prefix="capas-buildx-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    terminal = Terminal(root)
    terminal.ok("import", "-c", 'CMD ["sh"]', "-", "busybox", stdin=make_busybox())
    try:
        with running_builder(terminal) as found:
            yield found
    finally:
        shutil.rmtree(root, ignore_errors=True)
