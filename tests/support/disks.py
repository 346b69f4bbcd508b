"""A directory on a real disk: layer files in memory cannot be mounted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from capas.snapshot.choose import filesystem_of

_MEMORY = ("tmpfs", "ramfs")


@contextmanager
def disk_directory() -> Iterator[Path]:
    """A fresh directory where layer files can be mounted, gone after the block.

    A keeper that a test does not wait for may still be clearing up there: what it leaves goes with TMPDIR.
    """
    place = next((path for path in _places() if filesystem_of(path) not in _MEMORY), None)
    assert place is not None, "no directory here is on a disk: set TMPDIR to one that is"
    with tempfile.TemporaryDirectory(dir=place, prefix="capas-", ignore_cleanup_errors=True) as path:
        yield Path(path)


def _places() -> list[Path]:
    return [path for path in map(Path, (tempfile.gettempdir(), "/var/tmp", os.getcwd())) if path.is_dir()]
