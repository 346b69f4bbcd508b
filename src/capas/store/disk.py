"""The disk's own matters: durable directories, and the kind of error behind an errno."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from capas.errors import CapasError, Denied, Exhausted, Unavailable

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


def empty_dir(path: Path) -> None:
    """Remove the files of a directory, beside others who do the same. A directory that is not there is empty."""
    try:
        names = os.listdir(path)
    except FileNotFoundError:
        return
    for name in names:
        unlink(path / name)
