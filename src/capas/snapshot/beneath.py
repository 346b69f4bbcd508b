"""Looking into a tree of somebody else's without being led out of it by a link."""

from __future__ import annotations

import os
import stat

from capas.errors import Corrupt
from capas.layer.paths import join

_MOST_LINKS = 40  # as Linux


def find(root: bytes, path: bytes) -> os.stat_result | None:
    """What is at a path, no link followed: None also where something on the way is no directory."""
    here = root
    parts = path.split(b"/") if path else []
    for part in parts[:-1]:
        here = join(here, part)
        status = _lstat(here)
        if status is None or not stat.S_ISDIR(status.st_mode):
            return None
    return _lstat(join(root, path) if path else root)


def follow(root: bytes, path: bytes) -> bytes:
    """The path with every link on it followed inside the root; parts that are not there stay. Raises: Corrupt."""
    waiting, here, links = path.split(b"/")[::-1], b"", 0
    while waiting:
        part = waiting.pop()
        if part in (b"", b"."):
            continue
        if part == b"..":
            here = here.rpartition(b"/")[0]
            continue
        status = find(root, join(here, part))
        if status is None or not stat.S_ISLNK(status.st_mode):
            here = join(here, part)
            continue
        links += 1
        if links > _MOST_LINKS:
            raise Corrupt("too many links on the way to /{path}", path=os.fsdecode(path[:200]))
        target = os.readlink(join(root, join(here, part)))
        waiting += reversed(target.split(b"/"))
        here = b"" if target.startswith(b"/") else here
    return here


def same_files(root: bytes, path: bytes, status: os.stat_result) -> list[bytes]:
    """Every name of a file. Looked for only where it has several: the whole tree is read then."""
    if status.st_nlink == 1:
        return [path]
    names = []
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):  # among the former are links to directories
            place = join(folder, name)
            found = os.lstat(place)
            if os.path.samestat(found, status):
                names.append(place[len(root) + 1 :])
    return names


def _lstat(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
