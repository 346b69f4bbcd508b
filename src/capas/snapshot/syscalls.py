"""The few Linux calls that Python 3.11 does not give: mounts, namespaces, syncfs, reflinks."""

from __future__ import annotations

import ctypes
import fcntl
import os
from functools import cache
from typing import Any

CLONE_FS, CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x200, 0x20000, 0x10000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC = 1024, 2048, 4096, 16384
MS_PRIVATE, MS_SLAVE, MS_RELATIME = 1 << 18, 1 << 19, 1 << 21
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
_OPEN_TREE, _MOVE_MOUNT = 428, 429  # the same on every architecture
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH, _AT_FDCWD = 1, 4, -100
_FICLONE = 0x40049409


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str | bytes) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    """unshare(2), for this thread."""
    _checked(_libc().unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, kind: int) -> None:
    """setns(2), for this thread."""
    _checked(_libc().setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def mount(source: bytes, target: bytes, *, type: bytes = b"", flags: int = 0, data: bytes = b"") -> None:
    """mount(2)."""
    _checked(_libc().mount(source, target, type or None, ctypes.c_ulong(flags), data or None), target)


def unmount(target: bytes, flags: int = 0) -> None:
    """umount2(2)."""
    _checked(_libc().umount2(target, ctypes.c_int(flags)), target)


def clone_mount(path: bytes) -> int:
    """A copy of the mount at `path`, attached nowhere: a descriptor of it. It goes when that is closed."""
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    fd = int(_libc().syscall(_OPEN_TREE, ctypes.c_int(_AT_FDCWD), path, ctypes.c_uint(flags)))
    _checked(0 if fd >= 0 else fd, path)
    return fd


def attach_mount(fd: int, target: bytes) -> None:
    """Attach what `clone_mount` gave at a directory."""
    flags = ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH)
    call = _libc().syscall(_MOVE_MOUNT, ctypes.c_int(fd), b"", ctypes.c_int(_AT_FDCWD), target, flags)
    _checked(call, target)


def syncfs(path: bytes) -> None:
    """Put everything written to the filesystem that holds `path` on disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(_libc().syncfs(ctypes.c_int(fd)), path)
    finally:
        os.close(fd)


def reflink(source: int, target: int) -> bool:
    """Let the file `target` share the blocks of `source`; False where the filesystem cannot."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True
