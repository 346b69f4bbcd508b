"""A tree carried to another place, with owners, modes, times, links and xattrs: a volume's first filling."""

from __future__ import annotations

import os
import shutil
import stat

from capas.errors import Exhausted

_FULL = {28, 122}  # ENOSPC, EDQUOT


def carry(source: int, target: int) -> None:
    """Copy what is in the directory `source` into the directory `target`, and its own owner and mode.

    No link is followed on either side. Device nodes and sockets are left out. Raises: Exhausted.
    """
    try:
        _carry_directory(source, target)
    except OSError as error:
        if error.errno in _FULL:
            raise Exhausted("no room to fill the volume") from None
        raise


def _carry_directory(source: int, target: int) -> None:
    source = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=source)
    try:
        for name in os.listdir(source):
            _carry_one(source, target, name)
        _dress(target, os.fstat(source), source)
    finally:
        os.close(source)


def _carry_one(source: int, target: int, name: str) -> None:
    status = os.stat(name, dir_fd=source, follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        os.mkdir(name, 0o700, dir_fd=target)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=source)
        inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=target)
        try:
            _carry_directory(below, inside)
        finally:
            os.close(below)
            os.close(inside)
    elif stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
        os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=target, follow_symlinks=False)
    elif stat.S_ISREG(status.st_mode):
        _carry_file(source, target, name)


def _carry_file(source: int, target: int, name: str) -> None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with (
        open(os.open(name, flags, dir_fd=source), "rb") as reader,
        open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target), "wb") as writer,
    ):
        shutil.copyfileobj(reader, writer, 1024 * 1024)
        writer.flush()
        _dress(writer.fileno(), os.fstat(reader.fileno()), reader.fileno())


def _dress(target: int, status: os.stat_result, source: int) -> None:
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    for name in os.listxattr(source):
        if not name.startswith(("trusted.overlay.", "user.overlay.", "security.selinux")):
            try:
                os.setxattr(target, name, os.getxattr(source, name))
            except OSError:
                continue  # the volume's file system does not take it
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
