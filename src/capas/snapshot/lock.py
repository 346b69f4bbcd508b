"""Locks of single things between processes and threads: a file each, let go of by the kernel when the holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from capas.snapshot.scratch import unlock
from capas.store.disk import disk_errors
from capas.store.lock import is_same_file


@contextmanager
def held(path: Path, *, shared: bool = False, forget: bool = False) -> Iterator[None]:
    """A block that has the lock file `path`, alone or with other sharers; waits for it. `forget` removes the file.

    Raises: Exhausted, Denied or Unavailable where the file cannot be made.
    """
    fd = _take(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    try:
        yield
    finally:
        if forget and not shared:
            os.unlink(path)  # whoever waits for it sees that it is gone, and makes a new one
        unlock(fd)


def _take(path: Path, how: int) -> int:
    while True:
        with disk_errors(path):
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, how)
            if is_same_file(fd, path):
                return fd
        except BaseException:
            os.close(fd)
            raise
        unlock(fd)
