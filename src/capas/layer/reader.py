"""Reading a changeset: entries with their bodies, in tar order, forward only.

Spec: POSIX.1-2017 pax; GNU tar manual; OCI image-spec, layer.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from capas.errors import Corrupt, Exhausted, Unsupported
from capas.layer import pax
from capas.layer.body import Body, SparseBody
from capas.layer.entry import DIRECTORY, FILE, HARDLINK, NO_XATTRS, SYMLINK, Entry
from capas.layer.extensions import KINDS, Extensions
from capas.layer.header import BLOCK, ZEROS, Header, clean_path, parse_header
from capas.layer.sparse import SparseReader, is_sparse
from capas.layer.window import Window, truncated
from capas.store.contract import Readable


class Limits(NamedTuple):
    """What a stream may cost: entries in all, and bytes of one entry's extended headers and maps."""

    entries: int = 10_000_000
    header: int = 1 << 20


DEFAULT = Limits()
_FILES = b"\x0007S"
_BODILESS = b"2346"
_SECOND = 1_000_000_000


def iter_entries(stream: Readable, *, limits: Limits = DEFAULT) -> Iterator[tuple[Entry, Body]]:
    """Every entry of an uncompressed tar with its body, which can be read until the next entry is asked for.

    Order: as in the tar; a path may come twice. The stream is read to its very end, padding and all.
    Raises: Corrupt for a malformed or truncated stream; Exhausted beyond `limits`; Unsupported for odd kinds of member.
    """
    return TarReader(stream, limits).entries()


class TarReader:
    """The state of one reading."""

    def __init__(self, stream: Readable, limits: Limits) -> None:
        self._window = Window(stream)
        self._limits = limits
        self._extensions = Extensions(limits.header)
        self._sparse = SparseReader(self._window, limits.header)

    def entries(self) -> Iterator[tuple[Entry, Body]]:
        """See `iter_entries`."""
        left = self._limits.entries
        window = self._window
        while self._at_header():
            header = parse_header(window.view, window.position)
            if header.kind in KINDS:
                self._extend(header)
                continue
            left -= 1
            if left < 0:
                raise Exhausted("the layer has more than {limit} entries", limit=self._limits.entries)
            if header.kind == b"0" and not self._extensions.pending:
                entry, body, stored = self._plain_file(header)
            else:
                entry, body, stored = self._entry(header)
            end = window.offset + stored + -stored % BLOCK
            yield entry, body
            body.abandon()
            window.skip(end - window.offset)
        if self._extensions.unfinished:
            raise truncated()
        window.drain()

    def _at_header(self) -> bool:
        """Whether a header comes next, and not the end: a block of zeros, or no block at all."""
        window = self._window
        left = window.fill(BLOCK)
        if left < BLOCK:
            if left:
                raise truncated()
            return False
        if window.view[window.position] or window.look(BLOCK) != ZEROS:
            return True
        window.skip(BLOCK)
        if window.fill(BLOCK) >= BLOCK and window.look(BLOCK) != ZEROS:
            raise Corrupt("malformed tar stream: a lone block of zeros")
        return False

    def _extend(self, header: Header) -> None:
        size = header.size
        self._extensions.check_size(size)
        window = self._window
        window.skip(BLOCK)
        padded = size + -size % BLOCK
        if window.fill(padded) < padded:
            raise truncated()
        self._extensions.add(header.kind, bytes(window.take(padded)[:size]))

    def _plain_file(self, header: Header) -> tuple[Entry, Body, int]:
        """The common case: a regular file that its header says all of. Returns: also the bytes stored."""
        name, _, mode, uid, gid, size, mtime, _, device = header
        if size < 0:
            raise _wrong_size(header)
        window = self._window
        window.skip(BLOCK)
        fields = (
            clean_path(name), FILE, mode, uid, gid, size, mtime * _SECOND, b"", device, NO_XATTRS, window.offset, None
        )  # fmt: skip
        return tuple.__new__(Entry, fields), Body(window, size), size

    def _entry(self, header: Header) -> tuple[Entry, Body, int]:
        """An entry of any kind, and the bytes stored after what has been read."""
        window = self._window
        block = bytes(window.take(BLOCK))
        records: pax.Records = {}
        xattrs, mtime_ns = NO_XATTRS, header.mtime * _SECOND
        if self._extensions.pending:
            header, mtime_ns, records = self._extensions.take(header)
            xattrs = pax.find_xattrs(records)
        kind = _kind(header)
        stored = _stored(header, kind)
        _, _, mode, uid, gid, _, _, _, device = header
        target = _target(header, kind)
        entry = Entry(clean_path(header.name), kind, mode, uid, gid, stored, mtime_ns, target, device, xattrs)
        if kind == FILE and is_sparse(header.kind, records):
            pieces, size, stored = self._sparse.read(block, header.kind, records, stored)
            entry = entry._replace(size=size, offset=window.offset, sparse=pieces)
            return entry, SparseBody(window, size, stored, pieces), stored
        return entry._replace(offset=window.offset) if kind == FILE else entry, Body(window, stored), stored


def _kind(header: Header) -> bytes:
    flag = header.kind
    if flag in b"123456":
        return flag
    if flag == b"\0" and header.name.endswith(b"/"):
        return DIRECTORY
    if flag in _FILES:
        return FILE
    raise Unsupported("a tar member of type {flag!r}: {name}", flag=flag, name=header.name.decode("utf-8", "replace"))


def _stored(header: Header, kind: bytes) -> int:
    """The bytes of the body in the tar.

    Hard links and directories have none whatever their header says (all readers agree); for other kinds without a body
    readers do not agree on what a size means, so it is refused.
    """
    if header.size < 0 or (header.size and header.kind in _BODILESS):
        raise _wrong_size(header)
    if header.size and kind == DIRECTORY and header.kind != b"5":
        raise Corrupt("malformed tar stream: a directory with a body, {name!r}", name=header.name[:200])
    return header.size if kind == FILE else 0


def _wrong_size(header: Header) -> Corrupt:
    return Corrupt("malformed tar stream: a wrong size for {name!r}", name=header.name[:200])


def _target(header: Header, kind: bytes) -> bytes:
    if kind == HARDLINK:
        return clean_path(header.target)
    if kind != SYMLINK:
        return b""
    if not header.target or b"\0" in header.target:
        raise Corrupt("a symbolic link without a target: {name!r}", name=header.name[:200])
    return header.target
