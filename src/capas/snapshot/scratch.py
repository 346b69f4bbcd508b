"""Trees that are being made, and trees that go: neither is in the way of anybody, nor outlives its process for long."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from capas.layer.remove import remove
from capas.snapshot.syscalls import CLONE_FS, unshare
from capas.store.lock import is_same_file, try_lock

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Scratch:
    """`ingest/` has a locked directory for each tree under way, `trash/` what is to be deleted.

    A name leaves sight by a rename into the trash and is deleted after, outside every lock. What a killed process
    left in either is removed by the next `clean`.
    """

    def __init__(self, root: Path) -> None:
        self._ingest = root / "ingest"
        self._trash = root / "trash"
        self._numbers = count()

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """A fresh directory, ours as long as the block lasts. What is left in it then is deleted.

        What the block makes has the modes that it asks for, whatever umask we were started with.
        """
        path, fd = self._new_directory()
        try:
            with _usual_umask():
                yield path
        finally:
            try:
                if path.exists():
                    self.discard(path)
            finally:
                unlock(fd)

    def hide(self, path: Path) -> Path | None:
        """Take `path` out of sight. Atomic. What is returned is to be deleted; None where there was nothing."""
        while True:
            place = self._trash / self._name()
            try:
                place.mkdir(mode=0o700)
                os.rename(path, place / "tree")
                return place
            except FileExistsError:
                continue
            except FileNotFoundError:
                if not os.path.lexists(path):
                    remove_tree(place)
                    return None
                # else another process has just cleaned the trash, our place with it: once more

    def discard(self, path: Path) -> None:
        """Hide and delete. Idempotent."""
        hidden = self.hide(path)
        if hidden is not None:
            remove_tree(hidden)

    def clean(self) -> None:
        """Delete what processes that are no more have left behind."""
        for name in _list(self._ingest):
            path = self._ingest / name
            fd = _open(path)
            if fd is None:
                continue
            try:
                if try_lock(fd):
                    self.discard(path)
            finally:
                unlock(fd)
        for name in _list(self._trash):
            remove_tree(self._trash / name)

    def _name(self) -> str:
        return f"{os.getpid()}.{next(self._numbers)}"

    def _new_directory(self) -> tuple[Path, int]:
        while True:
            path = self._ingest / self._name()
            try:
                path.mkdir(mode=0o700)
            except FileExistsError:
                continue
            fd = _open(path)
            if fd is None:
                continue
            fcntl.flock(fd, fcntl.LOCK_EX)
            if is_same_file(fd, path):  # else another process has cleaned it away before we had the lock
                return path, fd
            unlock(fd)


def unlock(fd: int) -> None:
    """Let go of the lock, also where a fork's child holds the descriptor too."""
    fcntl.flock(fd, fcntl.LOCK_UN)
    os.close(fd)


def remove_tree(path: Path) -> None:
    """Delete a directory and all beneath it, unless another one is at it already. Follows no link."""
    fd = _open(path)
    if fd is None:
        return
    try:
        if try_lock(fd):
            _remove(path)
    finally:
        unlock(fd)


def _remove(path: Path) -> None:
    parent = os.open(path.parent, _FOLDER)
    try:
        remove(parent, os.fsencode(path.name))
    except FileNotFoundError:
        pass
    except PermissionError:  # an ordinary user's own directories, closed to them
        _open_up(path)
        remove(parent, os.fsencode(path.name))
    finally:
        os.close(parent)


def _open_up(path: Path) -> None:
    waiting = [os.fspath(path)]
    while waiting:
        folder = waiting.pop()
        os.chmod(folder, 0o700)
        with os.scandir(folder) as entries:
            waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def _open(path: Path) -> int | None:
    try:
        return os.open(path, _FOLDER)
    except FileNotFoundError:
        return None


@contextmanager
def _usual_umask() -> Iterator[None]:
    try:
        unshare(CLONE_FS)  # the umask is this thread's own from here on
    except OSError:  # a sandbox that allows no unshare: then it is the process's, for a moment
        pass
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _list(path: Path) -> list[str]:
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []
