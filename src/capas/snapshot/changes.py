"""What was changed in an active snapshot: as a changeset, and as a list for people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from capas.layer.diff import Change as Entry
from capas.layer.diff import iter_difference, iter_tree, iter_upper
from capas.layer.diff import write_changes as write_entries
from capas.layer.marks import OPAQUE, WHITEOUT
from capas.layer.writer import TarWriter
from capas.snapshot.contract import Mount, Snapshotter
from capas.snapshot.mounting import BELOW, mount_all, read_overlay, without_upper
from capas.snapshot.namespaces import in_private_mounts

_PLACE = Path("/mnt")  # any directory: the mount is seen by this thread alone


class Change(NamedTuple):
    """One path that was Added, Changed or Deleted; with a leading slash, as docker prints it."""

    kind: Literal["A", "C", "D"]
    path: bytes


def write_changes(snapshotter: Snapshotter, key: str, tar: TarWriter, *, clamp_ns: int | None = None) -> int:
    """Write the changes of an active snapshot to a tar, no time in it later than `clamp_ns`. How many there were.

    The tree's own times are clamped too: it may become that layer by `commit`, and what a next step reads in it (Python
    keeps times in its .pyc) must not depend on whether the layer was made here or pulled.
    """
    changes = _changes(snapshotter.mounts(key)[0])
    return write_entries(changes if clamp_ns is None else _clamped(changes, clamp_ns), tar, clamp_ns=clamp_ns)


def list_changes(snapshotter: Snapshotter, key: str) -> list[Change]:
    """The changes of an active snapshot, sorted by path."""
    mount = snapshotter.mounts(key)[0]
    if mount.type == "bind":
        return _sorted(_changes(mount), _below(mount))

    def work() -> list[Change]:
        mount_all([without_upper(mount)], _PLACE)
        return _sorted(_changes(mount), _PLACE)

    return in_private_mounts(work)


def _clamped(changes: Iterator[Entry], clamp_ns: int) -> Iterator[Entry]:
    for change in changes:
        yield change
        member = change.member
        if member is not None and member.status.st_mtime_ns > clamp_ns:
            times = (member.status.st_atime_ns, clamp_ns)
            os.utime(member.name, ns=times, dir_fd=member.parent, follow_symlinks=False)


def _changes(mount: Mount) -> Iterator[Entry]:
    if mount.type == "overlay":
        return iter_upper(Path(read_overlay(mount).upper or ""))
    below = _below(mount)
    return iter_difference(below, Path(mount.source)) if below else iter_tree(Path(mount.source))


def _below(mount: Mount) -> Path | None:
    found = next((option for option in mount.options if option.startswith(BELOW)), None)
    return Path(found.removeprefix(BELOW)) if found else None


def _sorted(changes: Iterator[Entry], below: Path | None) -> list[Change]:
    return sorted(_named(changes, below), key=lambda change: change.path)


def _named(changes: Iterator[Entry], below: Path | None) -> Iterator[Change]:
    for change in changes:
        folder, _, name = change.entry.path.rpartition(b"/")
        if name == OPAQUE:
            continue
        if name.startswith(WHITEOUT):
            yield Change("D", b"/" + (folder + b"/" if folder else b"") + name[len(WHITEOUT) :])
            continue
        there = below is not None and os.path.lexists(os.path.join(os.fsencode(below), change.entry.path))
        yield Change("C" if there else "A", b"/" + change.entry.path)
