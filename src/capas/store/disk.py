"""The disk's own matters: durable directories, and the kind of error behind an errno."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import cast

from capas.errors import CapasError, Denied, Exhausted, Unavailable

_WRITEBACK = 8 << 20
_START_WRITING = 2
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def disk_error(error: OSError, path: Path | str) -> CapasError:
    """What went wrong at `path`, as a kind that says what to do about it."""
    why = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in _FULL:
        return Exhausted(
            "no space left to write {path}: {why}", path=path, why=why.lower(), hint="free some space and try again"
        )
    if error.errno in _REFUSED:
        return Denied("may not write {path}: {why}", path=path, why=why.lower())
    return Unavailable("cannot use {path}: {why}", path=path, why=why.lower())


@contextmanager
def disk_errors(path: Path | str) -> Iterator[None]:
    """A block in which the disk's errors are ours. Raises: Exhausted, Denied or Unavailable for any OSError."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


def make_dirs(path: Path) -> None:
    """The directory and those above it, on disk when this returns. Idempotent."""
    if path.is_dir():
        return
    make_dirs(path.parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    sync_dir(path.parent)


def sync_dir(path: Path) -> None:
    """Put a directory's names on disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def unlink(path: Path) -> None:
    """Remove a file's name. Idempotent."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


class Writeback:
    """Puts a large file on disk while it is written, so that the fsync at its end has little left to wait for.

    Spec: Linux sync_file_range(2). Where that is not there, the fsync does it all.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._begun = 0

    def wrote(self, end: int) -> None:
        """The file has been written up to this offset, from the beginning on."""
        if end - self._begun >= _WRITEBACK:
            call = _sync_file_range()
            if call is not None:
                call(self._fd, self._begun, end - self._begun, _START_WRITING)
            self._begun = end


@cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    import ctypes  # for large files only

    found = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if found is None:
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return cast(Callable[[int, int, int, int], int], found)


def empty_dir(path: Path) -> None:
    """Remove the files of a directory, beside others who do the same. A directory that is not there is empty."""
    try:
        names = os.listdir(path)
    except FileNotFoundError:
        return
    for name in names:
        unlink(path / name)
