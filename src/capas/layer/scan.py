"""Loose files read as entries: the way from a tree on disk to a changeset."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from capas.layer.attributes import FOREIGN
from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, HARDLINK, NO_XATTRS, SYMLINK, Entry
from capas.layer.holes import find_pieces

_KINDS = {
    stat.S_IFREG: FILE, stat.S_IFDIR: DIRECTORY, stat.S_IFLNK: SYMLINK, stat.S_IFCHR: CHARACTER, stat.S_IFBLK: BLOCK,
    stat.S_IFIFO: FIFO,
}  # fmt: skip
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Member(NamedTuple):
    """An entry on disk. `parent` is a descriptor of its directory, open while the iteration stands on this member."""

    entry: Entry
    status: os.stat_result
    parent: int
    name: bytes

    def open(self) -> BinaryIO:
        """The bytes of a regular file."""
        return os.fdopen(os.open(self.name, _FILE, dir_fd=self.parent), "rb", buffering=0)

    def read_small(self) -> bytes:
        """The bytes of a small regular file at once; one more than the entry says where it has grown."""
        fd = os.open(self.name, _FILE, dir_fd=self.parent)
        try:
            return os.read(fd, self.entry.size + 1)
        finally:
            os.close(fd)


def iter_members(root: Path) -> Iterator[Member]:
    """Every member beneath `root`, first the root itself (path b"").

    Order: the names of a directory sorted, then what is in its directories. A second name of a file is a hard link to
    the first. Sockets are left out. Links are never followed, and no more than one directory is open at a time.
    """
    top = os.fsencode(root)
    links: dict[tuple[int, int], bytes] = {}
    fd = os.open(top, _FOLDER)
    try:
        status = os.fstat(fd)
        yield Member(read_entry(fd, b".", b"", status), status, fd, b".")
    finally:
        os.close(fd)
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        fd = _open_beneath(top, folder)
        try:
            members = _members(fd, folder, links)
            below = [member.entry.path for member in members if member.entry.kind == DIRECTORY]
            yield from members
        finally:
            os.close(fd)
        waiting += reversed(below)


def read_entry(parent: int, name: bytes, path: bytes, status: os.stat_result) -> Entry:
    """The entry of a file by name in an open directory, as `path`."""
    kind = _KINDS[stat.S_IFMT(status.st_mode)]
    is_device = kind in (CHARACTER, BLOCK)
    return Entry(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        size=status.st_size if kind == FILE else 0,
        mtime_ns=status.st_mtime_ns,
        target=os.readlink(name, dir_fd=parent) if kind == SYMLINK else b"",
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)) if is_device else (0, 0),
        xattrs=_xattrs(parent, name),
        sparse=find_pieces(parent, name, status) if kind == FILE else None,
    )


def _members(fd: int, folder: bytes, links: dict[tuple[int, int], bytes]) -> list[Member]:
    found = []
    for name in sorted(map(os.fsencode, os.listdir(fd))):
        status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if stat.S_IFMT(status.st_mode) not in _KINDS:
            continue
        entry = read_entry(fd, name, folder + b"/" + name if folder else name, status)
        found.append(Member(_linked(entry, status, links), status, fd, name))
    return found


def _linked(entry: Entry, status: os.stat_result, links: dict[tuple[int, int], bytes]) -> Entry:
    """A hard link where the same file had a name before."""
    if entry.kind == DIRECTORY or status.st_nlink == 1 or is_whiteout(entry):
        return entry
    first = links.setdefault((status.st_dev, status.st_ino), entry.path)
    return entry if first == entry.path else entry._replace(kind=HARDLINK, target=first, size=0)


def is_whiteout(entry: Entry) -> bool:
    """Whether it is overlayfs' mark for a deleted name."""
    return entry.kind == CHARACTER and entry.device == (0, 0)


def _xattrs(parent: int, name: bytes) -> Mapping[bytes, bytes]:
    path = f"/proc/self/fd/{parent}/".encode() + name  # there is no listxattrat before Linux 6.13
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:  # a filesystem without any
        return NO_XATTRS
    kept = [found for found in names if not found.startswith(FOREIGN)]
    return {os.fsencode(n): os.getxattr(path, n, follow_symlinks=False) for n in kept} if kept else NO_XATTRS


def _open_beneath(top: bytes, folder: bytes) -> int:
    fd = os.open(top, _FOLDER)
    for part in folder.split(b"/") if folder else ():
        try:
            below = os.open(part, _FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    return fd
