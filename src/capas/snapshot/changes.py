"""What was changed in an active snapshot: as a changeset, and as a list for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from capas.layer.diff import Change as Entry
from capas.layer.diff import iter_tree, iter_upper
from capas.layer.diff import write_changes as write_entries
from capas.layer.tree import OPAQUE, WHITEOUT
from capas.layer.writer import TarWriter
from capas.snapshot.contract import Snapshotter
from capas.snapshot.mounting import mount_all, read_overlay
from capas.snapshot.namespaces import in_private_mounts
from capas.snapshot.stacks import view_mount


class Change(NamedTuple):
    """One path that was Added, Changed or Deleted; with a leading slash, as docker prints it."""

    kind: Literal["A", "C", "D"]
    path: bytes


def write_changes(snapshotter: Snapshotter, key: str, tar: TarWriter, *, clamp_ns: int | None = None) -> int:
    """Write the changes of an active snapshot to a tar, no time in it later than `clamp_ns`. How many there were."""
    return write_entries(_changes(snapshotter, key), tar, clamp_ns=clamp_ns)


def list_changes(snapshotter: Snapshotter, key: str) -> list[Change]:
    """The changes of an active snapshot, sorted by path."""
    mount = snapshotter.mounts(key)[0]
    if mount.type == "bind":
        return [Change("A", b"/" + change.entry.path) for change in iter_tree(Path(mount.source))]
    below = view_mount([Path(path) for path in read_overlay(mount).lowers])

    def work() -> list[Change]:
        place = Path("/mnt")
        mount_all([below], place)
        return sorted(_named(_changes(snapshotter, key), place), key=lambda change: change.path)

    return in_private_mounts(work)


def _changes(snapshotter: Snapshotter, key: str) -> Iterator[Entry]:
    mount = snapshotter.mounts(key)[0]
    if mount.type == "bind":
        return iter_tree(Path(mount.source))
    return iter_upper(Path(read_overlay(mount).upper or ""))


def _named(changes: Iterator[Entry], below: Path) -> Iterator[Change]:
    import os

    for change in changes:
        folder, _, name = change.entry.path.rpartition(b"/")
        if name == OPAQUE:
            continue
        if name.startswith(WHITEOUT):
            yield Change("D", b"/" + (folder + b"/" if folder else b"") + name[len(WHITEOUT) :])
            continue
        there = os.path.lexists(os.path.join(os.fsencode(below), change.entry.path))
        yield Change("C" if there else "A", b"/" + change.entry.path)
