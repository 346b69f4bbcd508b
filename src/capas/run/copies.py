"""Directories that overlayfs copied up only for a mount point to be made in them: taken back, so no layer has them."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Sequence

from capas.run.inside import opened, opened_root
from capas.snapshot.contract import Mount
from capas.snapshot.mounting import Overlay, read_overlay, show_lowers

_OVERLAY = ("trusted.overlay.", "user.overlay.")
_OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")


def take_back(mounts: Sequence[Mount], parents: Iterable[str]) -> None:
    """Remove, from the upper directory, copies of `parents` (and of those above) that say what the layer below says.

    To be called when the tree is not mounted any more. Other drivers copy nothing up.
    """
    for mount in mounts:
        overlay = read_overlay(mount) if mount.type == "overlay" else None
        if overlay is None or overlay.upper is None:
            continue
        with opened_root(overlay.upper) as upper:
            overlay = overlay._replace(lowers=tuple(show_lowers(overlay)))
            for path in sorted({above for parent in parents for above in _line(parent)}, key=len, reverse=True):
                try:
                    _take_back(upper, overlay, path)
                except OSError:
                    continue  # it holds something, or is gone: both are well


def _line(path: str) -> Iterable[str]:
    while path != "/":
        yield path
        path = posixpath.dirname(path)


def _take_back(upper: int, overlay: Overlay, path: str) -> None:
    parent, name = posixpath.split(path)
    with opened(upper, path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) as copy:
        mine = _face(copy)
        if os.listdir(copy) or mine is None or mine != _below(overlay, path):
            return
    with opened(upper, parent, os.O_PATH | os.O_DIRECTORY) as fd:
        place = f"/proc/self/fd/{fd}"
        times = os.stat(place)
        os.rmdir(name, dir_fd=fd)
        os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))


def _below(overlay: Overlay, path: str) -> object:
    for lower in overlay.lowers:
        with opened_root(lower) as root:
            try:
                with opened(root, path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) as fd:
                    return _face(fd, opaque=True)
            except FileNotFoundError:
                continue
    return None


def _face(fd: int, *, opaque: bool = False) -> object:
    """All that a layer would say of a directory; None for one that hides what is below it, unless `opaque` may be."""
    names = os.listxattr(fd)
    if not opaque and any(name in _OPAQUE for name in names):
        return None
    status = os.fstat(fd)
    xattrs = {name: os.getxattr(fd, name) for name in names if not name.startswith(_OVERLAY)}
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns, xattrs
