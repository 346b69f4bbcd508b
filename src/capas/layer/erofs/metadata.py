"""The metadata of a layer file: the tree as inode table, extended attributes, link targets and directory blocks.

Layout, from the block `start` on: the inodes, the root's first; then directories and long link targets, each from a
block of its own. Inodes are numbered in slots of 32 bytes from the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from capas.errors import Unsupported
from capas.layer.entry import BLOCK as BLOCK_DEVICE
from capas.layer.entry import CHARACTER, DIRECTORY, FILE, SYMLINK
from capas.layer.erofs.format import (
    BLOCK,
    BLOCK_BITS,
    CHUNKED,
    DIRENT,
    FILE_TYPE,
    FORMAT_MODE,
    INLINE,
    INODE,
    PLAIN,
    ROOT_SLOT,
    SLOT,
    pack_device,
    pack_xattrs,
    xattr_units,
)  # fmt: skip
from capas.layer.erofs.nodes import File, Folder

_LONGEST_NAME = 255
_LARGEST_SIZE = (1 << 63) - 1
_SECOND = 1_000_000_000


class Chunks(NamedTuple):
    """Where the data of a file with holes is: a block address (or NO_BLOCK) for each `1 << bits` bytes."""

    bits: int
    blocks: bytes


class Metadata(NamedTuple):
    """The bytes that stand from block `start` on, a multiple of the block size, and how many inodes they have."""

    data: bytearray
    inodes: int


def pack_metadata(root: Folder, start: int, body_block: int, chunks: Mapping[int, Chunks]) -> Metadata:
    """The metadata of a finished tree. `body_block` is the block where the tar begins.

    `chunks` has the data of the files with holes by the `id` of their node: it is elsewhere than in the tar.
    Raises: Unsupported for a name, target or attribute that no filesystem takes.
    """
    return _Packing(start, body_block, chunks).run(root)


class _Packing:
    def __init__(self, start: int, body_block: int, chunks: Mapping[int, Chunks]) -> None:
        self._start = start
        self._body_block = body_block
        self._chunks = chunks
        self._xattrs: dict[int, bytes] = {}  # those of nodes that have any, by `id`
        self._data = bytearray()  # directories and link targets
        self._first = 0  # their first block

    def run(self, root: Folder) -> Metadata:
        nodes, end = self._number(root)
        table = bytearray(end + -end % BLOCK)
        self._first = self._start + len(table) // BLOCK
        for node in nodes:
            xattrs = self._xattrs.get(id(node), b"")
            if isinstance(node, Folder):
                self._put_folder(table, node, xattrs)
            else:
                self._put_file(table, node, xattrs)
        table += self._data
        return Metadata(table, len(nodes))

    # numbers

    def _number(self, root: Folder) -> tuple[list[Folder | File], int]:
        """Give every inode its slot. Returns: the nodes in order of their places, and where the last one ends."""
        nodes = _list_nodes(root)
        at = ROOT_SLOT * SLOT
        for node in nodes:
            entry = node.entry
            size = INODE.size
            opaque = isinstance(node, Folder) and node.opaque
            if entry.xattrs or opaque:
                xattrs = self._xattrs[id(node)] = pack_xattrs(entry, opaque=opaque)
                size += len(xattrs)
            if entry.kind == SYMLINK and size + len(entry.target) <= BLOCK:
                size += len(entry.target)
                if at % BLOCK + size > BLOCK:
                    at += -at % BLOCK  # what stands behind its inode must be in the same block
            elif self._chunks and id(node) in self._chunks:
                size += len(self._chunks[id(node)].blocks)
            node.slot = at // SLOT
            at += size + -size % SLOT
        return nodes, at

    # inodes

    def _put_folder(self, table: bytearray, folder: Folder, xattrs: bytes) -> None:
        below = sum(isinstance(child, Folder) for child in folder.children.values())
        data = _pack_folder(folder)
        block = self._append(data)
        _put_inode(table, folder, (PLAIN, len(data), block, 2 + below), xattrs, b"")

    def _put_file(self, table: bytearray, file: File, xattrs: bytes) -> None:
        entry = file.entry
        kind = entry.kind
        layout, size, where, tail = PLAIN, 0, 0, b""
        if kind == FILE:
            size = entry.size
            chunks = self._chunks.get(id(file))
            if chunks is not None:
                layout, where, tail = CHUNKED, chunks.bits - BLOCK_BITS, chunks.blocks
            else:
                where = self._body_block + entry.offset // BLOCK
        elif kind == SYMLINK:
            size = len(entry.target)
            if INODE.size + len(xattrs) + size <= BLOCK:
                layout, tail = INLINE, entry.target
            else:
                where = self._append(entry.target)
        elif kind in (CHARACTER, BLOCK_DEVICE):
            where = pack_device(entry.device)
        if size > _LARGEST_SIZE:
            raise Unsupported("{path} is larger than a filesystem takes", path=entry.path.decode("utf-8", "replace"))
        _put_inode(table, file, (layout, size, where, file.links), xattrs, tail)

    def _append(self, data: bytes | bytearray) -> int:
        """Put data on blocks of its own. Returns: the first one."""
        block = self._first + len(self._data) // BLOCK
        self._data += data
        self._data += bytes(-len(data) % BLOCK)
        return block


def _put_inode(
    table: bytearray, node: Folder | File, fields: tuple[int, int, int, int], xattrs: bytes, tail: bytes
) -> None:
    """`fields`: layout, size, where the data is, links. Behind the inode stand its attributes and its tail."""
    layout, size, where, links = fields
    _, kind, mode, uid, gid, _, mtime_ns, *_ = node.entry
    seconds, nanoseconds = divmod(mtime_ns, _SECOND)
    INODE.pack_into(
        table, node.slot * SLOT, 1 | layout << 1, xattr_units(xattrs), FORMAT_MODE[kind] | mode & 0o7777,
        0, size, where, node.slot, uid, gid, seconds & 0xFFFFFFFFFFFFFFFF, nanoseconds, links,
    )  # fmt: skip
    if xattrs or tail:
        end = node.slot * SLOT + INODE.size
        table[end : end + len(xattrs) + len(tail)] = xattrs + tail


def _pack_folder(folder: Folder) -> bytearray:
    """The blocks of a directory: names sorted as bytes, each block with the records of its names before them."""
    kind = FILE_TYPE[DIRECTORY]
    names = [(b".", folder.slot, kind), (b"..", folder.parent.slot, kind)]
    names += [(name, child.slot, FILE_TYPE[child.entry.kind]) for name, child in folder.children.items()]
    names.sort()
    longest = max(names, key=lambda item: len(item[0]))[0]
    if len(longest) > _LONGEST_NAME:
        raise Unsupported(
            "the name {name} is longer than a filesystem takes", name=longest[:300].decode("utf-8", "replace")
        )
    data = bytearray()
    begin, used = 0, 0
    for number, (name, _, _) in enumerate(names):
        size = DIRENT.size + len(name)
        if used + size > BLOCK:
            data += _pack_names(names[begin:number]).ljust(BLOCK, b"\0")
            begin, used = number, 0
        used += size
    return data + _pack_names(names[begin:])


def _pack_names(names: list[tuple[bytes, int, int]]) -> bytes:
    at = DIRENT.size * len(names)
    records = []
    pack = DIRENT.pack
    for name, slot, kind in names:
        records.append(pack(slot, at, kind, 0))
        at += len(name)
    records += [name for name, _, _ in names]
    return b"".join(records)


def _list_nodes(root: Folder) -> list[Folder | File]:
    """Every node once, the root first, the files of a folder together. Counts the names of the files."""
    nodes: list[Folder | File] = [root]
    waiting = [root]
    while waiting:
        for child in waiting.pop().children.values():
            if isinstance(child, Folder):
                waiting.append(child)
                nodes.append(child)
                continue
            if not child.links:
                nodes.append(child)
            child.links += 1
    return nodes
