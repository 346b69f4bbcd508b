"""Removing a tree of any depth, links never followed, with two descriptors at a time and no recursion."""

from __future__ import annotations

import os
import stat

from capas.layer.paths import FOLDER


def remove(parent: int, name: bytes) -> bool:
    """Remove a name from an open directory, with all that is beneath it.

    Returns: whether a directory or a link went, so that remembered ways may be wrong now.
    """
    mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    if not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=parent)
        return stat.S_ISLNK(mode)
    _empty(parent, name)
    os.rmdir(name, dir_fd=parent)
    return True


def _empty(parent: int, name: bytes) -> None:
    fd = _enter(parent, name)
    try:
        names: list[bytes] = []
        waiting = [_unlink_files(fd)]
        while waiting:
            if waiting[-1]:
                below = waiting[-1].pop()
                fd = _moved(fd, _enter(fd, below))
                names.append(below)
                waiting.append(_unlink_files(fd))
                continue
            waiting.pop()
            if names:
                fd = _moved(fd, os.open(b"..", FOLDER, dir_fd=fd))
                os.rmdir(names.pop(), dir_fd=fd)
    finally:
        os.close(fd)


def _enter(parent: int, name: bytes) -> int:
    try:
        return os.open(name, FOLDER, dir_fd=parent)
    except PermissionError:  # an ordinary user's own directory without permissions
        os.chmod(name, 0o700, dir_fd=parent)
        return os.open(name, FOLDER, dir_fd=parent)


def _moved(old: int, new: int) -> int:
    os.close(old)
    return new


def _unlink_files(fd: int) -> list[bytes]:
    """Remove all but directories. Returns: the directories' names."""
    folders = []
    with os.scandir(fd) as found:
        for item in found:
            name = os.fsencode(item.name)
            if item.is_dir(follow_symlinks=False):
                folders.append(name)
            else:
                os.unlink(name, dir_fd=fd)
    return folders
