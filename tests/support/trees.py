"""Trees on disk compared entry by entry: names, modes, owners, times, links, xattrs, contents."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_MARKS = ("trusted.overlay", "user.overlay", "security.selinux")


class Seen(NamedTuple):
    """What a file is, as far as anybody can see. Directories have no size, and a link count of one."""

    mode: int
    owner: tuple[int, int]
    device: tuple[int, int]
    size: int
    mtime_ns: int
    links: int
    target: str
    xattrs: tuple[tuple[str, bytes], ...]
    content: bytes


def look(root: Path, *, times: bool = True) -> dict[bytes, Seen]:
    """Everything beneath `root` by path, the root itself as b"."."""
    top = os.fsencode(root)
    return {os.path.relpath(path, top): _see(path, times) for path in _walk(top)}


def _walk(top: bytes) -> Iterator[bytes]:
    yield top
    for folder, folders, names in os.walk(top):
        yield from (os.path.join(folder, name) for name in (*folders, *names))


def _see(path: bytes, times: bool) -> Seen:
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    regular, folder = kind == stat.S_IFREG, kind == stat.S_IFDIR
    names = [
        n
        for n in os.listxattr(path, follow_symlinks=False)
        if not n.startswith(("trusted.overlay", "security.selinux"))
    ]
    return Seen(
        mode=status.st_mode,
        owner=(status.st_uid, status.st_gid),
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)) if kind in (stat.S_IFCHR, stat.S_IFBLK) else (0, 0),
        size=status.st_size if regular else 0,
        mtime_ns=status.st_mtime_ns if times else 0,
        links=1 if folder else status.st_nlink,
        target=os.fsdecode(os.readlink(path)) if kind == stat.S_IFLNK else "",
        xattrs=tuple(sorted((n, os.getxattr(path, n, follow_symlinks=False)) for n in names)),
        content=Path(os.fsdecode(path)).read_bytes() if regular else b"",
    )
