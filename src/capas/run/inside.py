"""Paths inside a tree we do not trust: the kernel resolves them (openat2), and no link can lead out."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from functools import cache

from capas.errors import Invalid, Unsupported

_SYS_OPENAT2 = 437  # the same number on every architecture
_RESOLVE_NO_MAGICLINKS, _RESOLVE_IN_ROOT = 0x02, 0x10
_MAX_LINKS = 40
_TRIES = 32  # openat2 answers EAGAIN when a rename races with ".."


class _How(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def open_inside(root: int, path: str | bytes, flags: int, mode: int = 0) -> int:
    """A descriptor of `path` beneath the directory `root`: links are followed, as if `root` were "/".

    Raises: OSError as open(2); Unsupported on a kernel before 5.6.
    """
    name = os.fsencode(path).lstrip(b"/") or b"."
    if b"\0" in name:
        raise Invalid("a path has a NUL byte in it: {path!r}", path=path)
    how = _How(flags | os.O_CLOEXEC, mode if flags & os.O_CREAT else 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    for _ in range(_TRIES):
        fd: int = _libc().syscall(_SYS_OPENAT2, root, name, ctypes.byref(how), ctypes.sizeof(how))
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        if code == errno.ENOSYS:
            raise Unsupported("this kernel has no openat2: Linux 5.6 or later runs containers")
        if code != errno.EAGAIN:
            break
    raise OSError(code, os.strerror(code), os.fsdecode(path))


@contextmanager
def opened(root: int, path: str | bytes, flags: int = os.O_RDONLY) -> Iterator[int]:
    """`open_inside` for a block."""
    fd = open_inside(root, path, flags)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def opened_root(path: str | os.PathLike[str]) -> Iterator[int]:
    """The directory at the top of a tree."""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def real_path(root: int, path: str) -> str:
    """Where `path` leads inside, all links followed: an absolute path in the tree. Raises: OSError."""
    with opened(root, path, os.O_PATH) as fd:
        return _path_of(root, fd)


def _path_of(root: int, fd: int) -> str:
    top = os.readlink(f"/proc/self/fd/{root}")
    full = os.readlink(f"/proc/self/fd/{fd}")
    return "/" + full.removeprefix(top).lstrip("/")


def read_small(root: int, path: str, limit: int) -> bytes | None:
    """The contents of a small regular file, or None where there is none.

    Never waits (a FIFO is not opened for reading) and never reads more than `limit` bytes.

    Raises: Invalid for what is not a regular file, or larger.
    """
    try:
        fd = open_inside(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Invalid("cannot read {path} in the image: {error}", path=path, error=error.strerror or "?") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Invalid("{path} in the image is not a regular file", path=path)
        with open(fd, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(fd)
    if len(data) > limit:
        raise Invalid("{path} in the image has more than {limit} bytes", path=path, limit=limit)
    return data


def make_directories(
    root: int,
    path: str,
    mode: int = 0o755,
    *,
    made: list[str] | None = None,
    closed: AbstractSet[str] = frozenset({"/proc/"}),
) -> int:
    """The directory `path`, made where it is missing (parents too), as a descriptor to be closed by the caller.

    Links are followed inside the tree, also those that lead to what is not there yet. What is made is appended to
    `made`, as paths without links. Nothing is made or entered in the directories `closed`. Raises: OSError.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")][::-1]
    links = 0
    here = open_inside(root, "/", os.O_PATH | os.O_DIRECTORY)
    try:
        while parts:
            part = parts.pop()
            place = _path_of(root, here).rstrip("/") + "/"
            if place in closed:  # proc is mounted there later, and a path into it leads wherever a process points
                raise OSError(errno.EPERM, f"nothing is made or entered beneath {place}", path)
            try:
                deeper = open_inside(root, place + part, os.O_PATH | os.O_DIRECTORY)
            except FileNotFoundError:
                link = _link_at(here, part)
                if link is None:
                    deeper = _make(here, part, mode)
                    if made is not None:
                        made.append(place + part)
                else:
                    links += 1
                    if links > _MAX_LINKS:
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path) from None
                    parts += [step for step in link.split("/") if step not in ("", ".")][::-1]
                    deeper = open_inside(root, "/" if link.startswith("/") else place, os.O_PATH | os.O_DIRECTORY)
            os.close(here)
            here = deeper
    except BaseException:
        os.close(here)
        raise
    return here


def _make(parent: int, name: str, mode: int) -> int:
    try:
        os.mkdir(name, mode, dir_fd=parent)
    except FileExistsError:
        pass  # another process was quicker; what it made is opened without following
    return os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


def _link_at(parent: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        return None
