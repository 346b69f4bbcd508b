"""Directories of what runs now: held by a lock that dies with its process, so that the next one can clear up."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from capas.errors import AlreadyExists, Conflict
from capas.store.lock import locked

_LOCK = "lock"
_GUARD = ".guard"  # held between making a directory and locking it: nobody may take it for a dead one's then
_TRIES, _PAUSE_SECONDS = 100, 0.01


class Claim:
    """A directory that this process holds. Leaving the block removes it and lets go."""

    def __init__(self, folder: Path, fd: int) -> None:
        self.folder = folder
        self._fd = fd

    def release(self) -> None:
        """Remove the directory and let go. Idempotent."""
        if self._fd >= 0:
            # out of sight in one step: half a directory would look like one that nobody holds
            grave = self.folder.with_name(f".{self.folder.name}.{self._fd}.{os.getpid()}")
            try:
                self.folder.rename(grave)
            except FileNotFoundError:
                pass
            shutil.rmtree(grave, ignore_errors=True)
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def claim(parent: Path, name: str) -> Claim:
    """Make the directory `name` and hold it. Raises: AlreadyExists; Conflict while another process holds it."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = parent / name
    with locked(parent / _GUARD):
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            raise AlreadyExists("{name} runs already", name=name) from None
        fd = _lock(folder)
    if fd is None:
        raise Conflict("{name} is held by another process", name=name)
    return Claim(folder, fd)


def claim_dead(parent: Path) -> Iterator[Claim]:
    """What processes left behind that are gone, each claimed for clearing up."""
    try:
        names = [name for name in os.listdir(parent) if not name.startswith(".")]
    except FileNotFoundError:
        return
    for name in names:
        found = claim_dead_one(parent, name)
        if found is not None:
            yield found


def claim_dead_one(parent: Path, name: str) -> Claim | None:
    """The directory `name`, claimed, where the process that held it is gone."""
    folder = parent / name
    if not folder.is_dir() or is_held(folder):
        return None
    with locked(parent / _GUARD):
        fd = _lock(folder, tries=1) if folder.is_dir() else None
    return None if fd is None else Claim(folder, fd)


def is_held(folder: Path) -> bool:
    """Whether a living process holds it."""
    try:
        fd = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _lock(folder: Path, tries: int = _TRIES) -> int | None:
    fd = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(tries):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # somebody looks whether it is held: that takes no time
            time.sleep(_PAUSE_SECONDS)
        else:
            return fd
    os.close(fd)
    return None
