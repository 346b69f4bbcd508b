"""Changesets of trees on disk: a whole tree, an overlay's upper directory, the difference of two trees.

Spec: OCI image-spec, layer.md, "Creating"; "Whiteouts".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from capas.layer.entry import DIRECTORY, FILE, HARDLINK, Entry
from capas.layer.marks import OPAQUE, WHITEOUT
from capas.layer.scan import Member, is_whiteout, iter_members
from capas.layer.writer import TarWriter

_OPAQUE_MARKS = ("trusted.overlay.opaque", "user.overlay.opaque")
_CHUNK = 1 << 20
_SMALL = 64 << 10


class Change(NamedTuple):
    """An entry of a changeset to be written; `member` is where a regular file's bytes are."""

    entry: Entry
    member: Member | None = None


def iter_tree(root: Path) -> Iterator[Change]:
    """Everything beneath `root`."""
    return (Change(member.entry, member) for member in iter_members(root) if member.entry.path)


def iter_upper(upper: Path) -> Iterator[Change]:
    """What an overlay's upper directory says: its files, and its marks as whiteouts."""
    for member in iter_members(upper):
        entry = member.entry
        if is_whiteout(entry):
            yield Change(_whiteout(entry.path))
            continue
        if entry.path:
            yield Change(entry, member)
        if entry.kind == DIRECTORY and _is_opaque(member):
            yield Change(Entry(_join(entry.path, OPAQUE), FILE, mode=0o600))


def iter_difference(old: Path, new: Path) -> Iterator[Change]:
    """What changed from one tree to another, as `iter_upper` would tell it of the same change: in its order, and with
    the directories above. Files are read only where size and times do not decide.
    """
    changed, gone = _compare(old, new)
    wanted = changed | {folder for path in (*changed, *gone) for folder in _folders_above(path)}
    there = (
        (_place(member.entry.path), Change(member.entry, member))
        for member in iter_members(new)
        if member.entry.path in wanted
    )
    deleted = ((_place(path), Change(_whiteout(path))) for path in sorted(gone, key=_place))
    for _, change in merge(there, deleted, key=itemgetter(0)):
        yield change


def _compare(old: Path, new: Path) -> tuple[set[bytes], set[bytes]]:
    """The paths of what is new or not as it was, and of what is gone from directories that are still there."""
    before = {member.entry.path: member for member in iter_members(old)}
    seen: set[bytes] = set()
    folders: set[bytes] = set()
    changed: set[bytes] = set()
    for member in iter_members(new):
        entry = member.entry
        seen.add(entry.path)
        if entry.kind == DIRECTORY:
            folders.add(entry.path)
        was = before.get(entry.path)
        follows = entry.kind == HARDLINK and entry.target in changed
        if was is None or follows or not _same(old, was, member):
            changed.add(entry.path)
    # where its directory is gone too, or is a link that must not be followed, nothing need be said
    gone = {path for path in before.keys() - seen if path.rpartition(b"/")[0] in folders}
    return changed - {b""}, gone


def _folders_above(path: bytes) -> Iterator[bytes]:
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        yield path


def _place(path: bytes) -> tuple[list[bytes], bytes]:
    """Where a path comes among the members of a tree: see `iter_members`."""
    folder, _, name = path.rpartition(b"/")
    return (folder.split(b"/") if folder else [], name)


def write_changes(changes: Iterable[Change], tar: TarWriter, *, clamp_ns: int | None = None) -> int:
    """Add the changes to a tar, no time in it later than `clamp_ns`. How many there were."""
    count = 0
    for change in changes:
        count += 1
        entry = change.entry
        if clamp_ns is not None and entry.mtime_ns > clamp_ns:
            entry = entry._replace(mtime_ns=clamp_ns)
        if entry.kind == FILE and change.member is not None and entry.size <= _SMALL:
            tar.add_small(entry, change.member.read_small())
        elif entry.kind == FILE and change.member is not None:
            with change.member.open() as body:
                tar.add(entry, body)
        else:
            tar.add(entry, None)
    return count


def _whiteout(path: bytes) -> Entry:
    folder, _, name = path.rpartition(b"/")
    return Entry(_join(folder, WHITEOUT + name), FILE, mode=0o600)


def _join(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def _is_opaque(member: Member) -> bool:
    path = f"/proc/self/fd/{member.parent}/".encode() + member.name
    for mark in _OPAQUE_MARKS:
        try:
            if os.getxattr(path, mark, follow_symlinks=False) == b"y":
                return True
        except OSError:
            continue
    return False


def _same(old: Path, was: Member, now: Member) -> bool:
    a, b = was.entry, now.entry
    if a._replace(mtime_ns=0) != b._replace(mtime_ns=0):
        return False
    if a.kind == DIRECTORY:
        return True  # its time changes with what is in it, and is no change of its own
    if a.mtime_ns != b.mtime_ns:
        return False
    same_file = (was.status.st_dev, was.status.st_ino) == (now.status.st_dev, now.status.st_ino)
    untouched = was.status.st_ctime_ns == now.status.st_ctime_ns
    return a.kind != FILE or same_file or untouched or _same_bytes(old, a.path, now)


def _same_bytes(old: Path, path: bytes, now: Member) -> bool:
    with open(os.path.join(os.fsencode(old), path), "rb", buffering=0) as first, now.open() as second:
        while True:
            a, b = first.read(_CHUNK), second.read(_CHUNK)
            if a != b:
                return False
            if not a:
                return True
