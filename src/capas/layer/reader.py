"""Reading a changeset: entries with their bodies, in tar order, forward only.

Spec: POSIX.1-2017 pax; GNU tar manual; OCI image-spec, layer.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from capas.errors import Corrupt, Exhausted, Unsupported
from capas.layer import entry as kinds
from capas.layer import pax
from capas.layer.body import Body
from capas.layer.entry import NO_XATTRS, Entry
from capas.layer.header import BLOCK, ZEROS, Header, checked_id, clean_path, parse_header, parse_number
from capas.layer.window import Window, truncated
from capas.store.contract import Readable


class Limits(NamedTuple):
    """What a stream may cost: entries in all, and bytes of one entry's extended headers and maps."""

    entries: int = 10_000_000
    header: int = 1 << 20


_FILES = b"\x0007S"
_BODILESS = b"2346"
_IGNORED_SIZE = b"15"
_NO_RECORDS: pax.Records = {}
_NAMED = frozenset((b"size", b"GNU.sparse.map", b"GNU.sparse.size", b"GNU.sparse.realsize", b"GNU.sparse.major"))


def iter_entries(stream: Readable, *, limits: Limits = Limits()) -> Iterator[tuple[Entry, Body]]:  # noqa: B008
    """Every entry of an uncompressed tar with its body, which can be read until the next entry is asked for.

    Order: as in the tar; a path may come twice. The stream is read to its very end, padding and all.
    Raises: Corrupt for a malformed or truncated stream; Exhausted beyond `limits`; Unsupported for odd kinds of member.
    """
    return TarReader(stream, limits).entries()


class TarReader:
    """The state of one reading: the window, the records that hold for all entries, and those for the next one."""

    def __init__(self, stream: Readable, limits: Limits) -> None:
        self._window = Window(stream)
        self._limits = limits
        self._globals: pax.Records = {}
        self._clear()

    def _clear(self) -> None:
        self._records: pax.Records | None = None
        self._long_name: bytes | None = None
        self._long_target: bytes | None = None
        self._extended = 0

    def entries(self) -> Iterator[tuple[Entry, Body]]:
        """See `iter_entries`."""
        left = self._limits.entries
        window = self._window
        while (block := self._next_block()) is not None:
            header = parse_header(block)
            if header.kind in b"xgLKX":
                self._extend(header)
                continue
            left -= 1
            if left < 0:
                raise Exhausted("the layer has more than {limit} entries", limit=self._limits.entries)
            entry, body = self._entry(header, block)
            yield entry, body
            window.skip(body.abandon())
        if self._extended:
            raise truncated()
        window.drain()

    def _next_block(self) -> memoryview | None:
        """The next header, None at the end: a block of zeros, or no block at all."""
        window = self._window
        left = window.fill(BLOCK)
        if left < BLOCK:
            if left:
                raise truncated()
            return None
        block = window.take(BLOCK)
        if block[0] or block != ZEROS:
            return block
        if window.fill(BLOCK) >= BLOCK and window.look(BLOCK) != ZEROS:
            raise Corrupt("malformed tar stream: a lone block of zeros")
        return None

    # extended headers

    def _extend(self, header: Header) -> None:
        data = self._take_extension(header.size)
        if header.kind in b"LK":
            self._extend_gnu(header.kind, data.partition(b"\0")[0])
        elif header.kind == b"g":
            self._extend_all(pax.parse_records(data))
        elif self._records is not None:
            raise Corrupt("malformed tar stream: two extended headers for one entry")
        else:
            self._records = pax.parse_records(data)

    def _take_extension(self, size: int) -> bytes:
        if size < 0:
            raise Corrupt("malformed tar stream: negative size")
        self._extended += size + BLOCK
        if self._extended > self._limits.header + BLOCK:
            raise Exhausted("an extended header is larger than {limit} bytes", limit=self._limits.header)
        return bytes(self._take_blocks(size))

    def _take_blocks(self, size: int) -> memoryview:
        padded = size + -size % BLOCK
        if self._window.fill(padded) < padded:
            raise truncated()
        return self._window.take(padded)[:size]

    def _extend_gnu(self, kind: bytes, text: bytes) -> None:
        if (self._long_name if kind == b"L" else self._long_target) is not None:
            raise Corrupt("malformed tar stream: two long names for one entry")
        if kind == b"L":
            self._long_name = text
        else:
            self._long_target = text

    def _extend_all(self, records: pax.Records) -> None:
        if self._records is not None or self._long_name is not None or self._long_target is not None:
            raise Corrupt("malformed tar stream: a global header between an entry and its own")
        if not _NAMED.isdisjoint(records):
            raise Corrupt("malformed tar stream: a global header that sets sizes")
        self._globals = {key: value for key, value in {**self._globals, **records}.items() if value}
        if sum(len(key) + len(value) for key, value in self._globals.items()) > self._limits.header:
            raise Exhausted("an extended header is larger than {limit} bytes", limit=self._limits.header)
        self._extended = 0

    # entries

    def _entry(self, header: Header, block: memoryview) -> tuple[Entry, Body]:
        if self._extended or self._globals:
            records = self._merged()
            header, mtime_ns = self._overridden(header, records)
            xattrs = pax.find_xattrs(records)
        else:
            records, xattrs, mtime_ns = _NO_RECORDS, NO_XATTRS, header.mtime * 1_000_000_000
        kind = _kind(header)
        stored = _stored(header, kind)
        path = clean_path(header.name)
        target = _target(header, kind)
        if kind == kinds.FILE and (
            header.kind == b"S" or b"GNU.sparse.major" in records or b"GNU.sparse.map" in records
        ):
            return self._sparse_entry(header, records, block, Entry(path, xattrs=xattrs, mtime_ns=mtime_ns))
        offset = self._window.offset if kind == kinds.FILE else -1
        _, _, mode, uid, gid, _, _, _, device = header
        entry = Entry(path, kind, mode, uid, gid, stored, mtime_ns, target, device, xattrs, offset)
        return entry, Body(self._window, stored, stored, None)

    def _merged(self) -> pax.Records:
        records = {**self._globals, **(self._records or {})}
        if self._long_name is not None or self._long_target is not None:
            if b"path" in records or b"linkpath" in records:
                raise Corrupt("malformed tar stream: one entry with names of two kinds")
            if self._long_name is not None:
                records[b"path"] = self._long_name
            if self._long_target is not None:
                records[b"linkpath"] = self._long_target
        self._clear()
        return {key: value for key, value in records.items() if value or b".xattr." in key}

    def _overridden(self, header: Header, records: pax.Records) -> tuple[Header, int]:
        """The header as its records have it, and its time. Units: the time in nanoseconds."""
        find = records.get
        mtime = find(b"mtime")
        size, uid, gid = find(b"size"), find(b"uid"), find(b"gid")
        changed = header._replace(
            name=find(b"GNU.sparse.name") or find(b"path") or header.name,
            target=find(b"linkpath") or header.target,
            size=header.size if size is None else pax.parse_decimal(size, b"size"),
            uid=header.uid if uid is None else checked_id(pax.parse_decimal(uid, b"uid")),
            gid=header.gid if gid is None else checked_id(pax.parse_decimal(gid, b"gid")),
        )
        return changed, header.mtime * 1_000_000_000 if mtime is None else pax.parse_time(mtime)

    # sparse files

    def _sparse_entry(
        self, header: Header, records: pax.Records, block: memoryview, start: Entry
    ) -> tuple[Entry, Body]:
        stored = header.size
        if header.kind == b"S":
            pieces, size = self._old_map(block), parse_number(bytes(block[483:495]))
        elif b"GNU.sparse.major" in records:
            if (records[b"GNU.sparse.major"], records.get(b"GNU.sparse.minor")) != (b"1", b"0"):
                raise Unsupported("a sparse file of an unknown format")
            pieces, length = self._inline_map(stored)
            stored -= length
            size = pax.parse_decimal(records.get(b"GNU.sparse.realsize", b""), b"GNU.sparse.realsize")
        else:
            pieces = pax.parse_map(records[b"GNU.sparse.map"])
            size = pax.parse_decimal(records.get(b"GNU.sparse.size", b""), b"GNU.sparse.size")
        pieces = pax.check_map(pieces, size, stored)
        entry = start._replace(
            mode=header.mode, uid=header.uid, gid=header.gid, size=size, offset=self._window.offset, sparse=pieces
        )
        return entry, Body(self._window, stored, size, pieces)

    def _old_map(self, block: memoryview) -> pax.Map:
        pieces = pax.parse_gnu_map(block[386:482])
        more = block[482]
        read = 0
        while more:
            read += BLOCK
            if read > self._limits.header:
                raise Exhausted("the map of a sparse file is larger than {limit} bytes", limit=self._limits.header)
            continued = self._take_blocks(BLOCK)
            pieces += pax.parse_gnu_map(continued[:504])
            more = continued[504]
        return pieces

    def _inline_map(self, stored: int) -> tuple[pax.Map, int]:
        """The map at the head of a body, and the bytes that it takes there."""
        lines: list[bytes] = []
        rest, read, wanted = b"", 0, 1
        while len(lines) < wanted:
            read += BLOCK
            if read > self._limits.header:
                raise Exhausted("the map of a sparse file is larger than {limit} bytes", limit=self._limits.header)
            if read > stored:
                raise Corrupt("malformed map of a sparse file")
            *more, rest = (rest + bytes(self._take_blocks(BLOCK))).split(b"\n")
            lines += more
            if lines:
                wanted = 1 + 2 * pax.parse_decimal(lines[0], b"map")
        numbers = (pax.parse_decimal(line, b"map") for line in lines[1:wanted])
        return pax.parse_inline_map(numbers), read


def _kind(header: Header) -> bytes:
    flag = header.kind
    if flag in b"123456":
        return flag
    if flag == b"\0" and header.name.endswith(b"/"):
        return kinds.DIRECTORY
    if flag in _FILES:
        return kinds.FILE
    raise Unsupported("a tar member of type {flag!r}: {name}", flag=flag, name=header.name.decode("utf-8", "replace"))


def _stored(header: Header, kind: bytes) -> int:
    """The bytes of the body in the tar.

    Hard links and directories have none whatever their header says (all readers agree); for other kinds without a body
    readers do not agree on what a size means, so it is refused.
    """
    if header.size < 0 or (header.size and header.kind in _BODILESS):
        raise Corrupt("malformed tar stream: a wrong size for {name!r}", name=header.name[:200])
    if header.size and kind == kinds.DIRECTORY and header.kind != b"5":
        raise Corrupt("malformed tar stream: a directory with a body, {name!r}", name=header.name[:200])
    return header.size if kind == kinds.FILE else 0


def _target(header: Header, kind: bytes) -> bytes:
    if kind == kinds.HARDLINK:
        return clean_path(header.target)
    if kind != kinds.SYMLINK:
        return b""
    if not header.target or b"\0" in header.target:
        raise Corrupt("a symbolic link without a target: {name!r}", name=header.name[:200])
    return header.target
