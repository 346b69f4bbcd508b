"""Reading the metadata of a layer file: inodes by number, the names of directories, entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from capas.errors import NotFound
from capas.layer.entry import BLOCK as BLOCK_DEVICE
from capas.layer.entry import CHARACTER, FILE, NO_XATTRS, SYMLINK, Entry
from capas.layer.erofs.format import (
    BLOCK,
    CHUNKED,
    DIRENT,
    INLINE,
    INODE,
    KIND_OF_MODE,
    OPAQUE_MARK,
    ROOT_SLOT,
    SLOT,
    XATTR_HEADER,
    unpack_device,
    unpack_xattrs,
)  # fmt: skip
from capas.layer.erofs.record import TAR, parse_record
from capas.layer.pax import Map

_SECOND = 1_000_000_000
_FORMAT = 0o170000
_LARGEST_INODE = 512 << 10

Sparse = Mapping[int, tuple[int, Map]]
"""Where the data of a file with holes is in the tar, and its pieces, by the slot of its inode."""


class Inode(NamedTuple):
    """An inode: its slot, what it is (`entry.path` is empty), how many names it has, the overlay's mark."""

    slot: int
    entry: Entry
    links: int
    opaque: bool


def read_root(path: Path) -> Entry:
    """The root directory's entry, read alone: a container's start needs no more of a layer. Raises: NotFound; Corrupt.

    A root that the layer does not list is root's, 0755, of time 0.
    """
    try:
        with path.open("rb", buffering=0) as file:
            record = parse_record(file.read(TAR))
            file.seek(record.metadata)
            data = file.read(min(record.notes - record.metadata, _LARGEST_INODE))
    except FileNotFoundError:
        raise NotFound("layer {diff_id} is not here", diff_id=path.name) from None
    return Inodes(data, record.metadata // BLOCK, TAR // BLOCK, {}).get(ROOT_SLOT).entry


class Inodes:
    """The metadata as read, and found undamaged. `start` is its first block, `body_block` that of the tar."""

    def __init__(self, data: bytes, start: int, body_block: int, sparse: Sparse) -> None:
        self._data = memoryview(data)
        self._start = start
        self._body = body_block * BLOCK
        self._sparse = sparse

    def get(self, slot: int) -> Inode:
        """The inode of this number."""
        data, at = self._data, slot * SLOT
        layout, units, mode, _, size, where, _, uid, gid, seconds, nanoseconds, links = INODE.unpack_from(data, at)
        kind = KIND_OF_MODE[mode & _FORMAT]
        xattrs, opaque, end = NO_XATTRS, False, at + INODE.size
        if units:
            body = bytes(data[end : end + XATTR_HEADER + 4 * (units - 1)])
            end += len(body)
            found = unpack_xattrs(body)
            opaque = found.pop(OPAQUE_MARK, None) is not None
            xattrs = found or NO_XATTRS
        mtime_ns = (seconds - (seconds >> 63 << 64)) * _SECOND + nanoseconds
        target, device, offset, pieces = b"", (0, 0), -1, None
        if kind == FILE:
            offset, pieces = self._body_of(slot, layout, where)
        elif kind == SYMLINK:
            target = self._target(layout, end, where, size)
        elif kind in (CHARACTER, BLOCK_DEVICE):
            device = unpack_device(where)
        fields = (
            b"", kind, mode & 0o7777, uid, gid, size if kind == FILE else 0, mtime_ns, target, device, xattrs, offset,
            pieces,
        )  # fmt: skip
        return Inode(slot, tuple.__new__(Entry, fields), links, opaque)

    def list(self, slot: int) -> Iterator[tuple[bytes, int]]:
        """The names in a directory with the slots of their inodes, sorted, `.` and `..` left out."""
        _, _, _, _, size, where, *_ = INODE.unpack_from(self._data, slot * SLOT)
        first = (where - self._start) * BLOCK
        for begin in range(first, first + size, BLOCK):
            end = min(begin + BLOCK, first + size)
            yield from _read_names(bytes(self._data[begin:end]))

    def _body_of(self, slot: int, layout: int, where: int) -> tuple[int, Map | None]:
        if layout >> 1 & 7 != CHUNKED:
            return where * BLOCK - self._body, None
        return self._sparse[slot]

    def _target(self, layout: int, end: int, where: int, size: int) -> bytes:
        at = end if layout >> 1 & 7 == INLINE else (where - self._start) * BLOCK
        return bytes(self._data[at : at + size])


def _read_names(block: bytes) -> Iterator[tuple[bytes, int]]:
    count = DIRENT.unpack_from(block)[1] // DIRENT.size if block else 0
    records = [DIRENT.unpack_from(block, number * DIRENT.size) for number in range(count)]
    ends = [record[1] for record in records[1:]] + [len(block)]
    for (slot, at, _, _), end in zip(records, ends, strict=True):
        name = block[at:end].rstrip(b"\0")
        if name not in (b".", b".."):
            yield name, slot
