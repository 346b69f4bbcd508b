"""Writing a changeset: the one canonical tar of its entries.

Plain ustar headers, with a PAX header before an entry only where ustar cannot say it. The same entries give the same
bytes on any machine: no user names, fixed fields, records sorted.

Holes are written as zeros, which compress to next to nothing, unless a file has 64 MiB of them or more: then as GNU's
sparse format 1.0, which Go's readers (docker, podman, umoci, containerd), GNU tar, bsdtar and Python read. Not always,
because docker and podman keep a layer's tar as a recipe (tar-split) that does not know sparse members.
Spec: POSIX.1-2017 pax; GNU tar manual, "PAX Format, Version 1.0"; OCI image-spec, layer.md.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from urllib.parse import quote_from_bytes
from zlib import adler32

from capas.errors import Corrupt, Invalid
from capas.layer import entry as kinds
from capas.layer.body import Body
from capas.layer.entry import Entry
from capas.layer.header import BLOCK, FIELDS, ZEROS
from capas.layer.holes import WORTHWHILE
from capas.layer.pax import Map
from capas.store.contract import Readable

_CHUNK = 1 << 20
_LARGEST_MAP = 512 << 10  # half of what our reader takes
_SECOND = 1_000_000_000
_END = bytes(2 * BLOCK)
_SPACES = b" " * 8
_MAGIC, _VERSION = b"ustar\0", b"00"
_DEVICE = b"0000000\0"

Records = dict[bytes, bytes]
Out = Callable[[bytes | memoryview], object]


class TarWriter:
    """Entries in, a tar out through `out`, in pieces of any size. `offset` is how much has been written.

    `note` is told of every entry as whoever reads the tar will see it, with its place.
    """

    def __init__(self, out: Out, note: Callable[[Entry], object] | None = None) -> None:
        self._out = out
        self._note = note
        self.offset = 0

    def add(self, entry: Entry, body: Readable | None = None) -> None:
        """Append one entry. A file of `entry.size` bytes needs a body unless it is empty.

        Raises: Corrupt where the body is shorter or longer than the entry says, as when a file changes meanwhile.
        """
        pieces = worth_sparse(entry) if entry.sparse is not None else None
        if pieces is not None:
            self._add_sparse(entry, pieces, body)
            return
        size = entry.size if entry.kind == kinds.FILE else 0
        self._write(header_bytes(entry, entry.path, size, {}))
        if self._note is not None:
            self._note(entry._replace(offset=self.offset if entry.kind == kinds.FILE else -1, sparse=None))
        if size:
            self._copy(entry, body, ((0, size),))
            self._pad(size)

    def add_small(self, entry: Entry, data: bytes | memoryview) -> None:
        """Append a file whose bytes are at hand: one call of `out`. `entry.size` must be theirs."""
        size = len(data)
        if size != entry.size:
            raise _changed(entry)
        header = header_bytes(entry, entry.path, size, {})
        if self._note is not None:
            self._note(entry._replace(offset=self.offset + len(header), sparse=None))
        self._write(b"".join((header, data, ZEROS[: -size % BLOCK])))

    def finish(self) -> None:
        """Write the end: two blocks of zeros."""
        self._write(_END)

    def _add_sparse(self, entry: Entry, pieces: Map, body: Readable | None) -> None:
        lines = [len(pieces), *(number for piece in pieces for number in piece)]
        text = b"".join(b"%d\n" % line for line in lines)
        text += ZEROS[: -len(text) % BLOCK]
        stored = len(text) + sum(length for _, length in pieces)
        records = {
            b"GNU.sparse.major": b"1",
            b"GNU.sparse.minor": b"0",
            b"GNU.sparse.name": entry.path,
            b"GNU.sparse.realsize": b"%d" % entry.size,
        }
        self._write(header_bytes(entry, b"GNUSparseFile.0/" + entry.path[-80:], stored, records) + text)
        if self._note is not None:
            self._note(entry._replace(offset=self.offset, sparse=tuple(piece for piece in pieces if piece[1])))
        self._copy(entry, body, pieces)
        self._pad(stored)

    def _copy(self, entry: Entry, body: Readable | None, wanted: Map) -> None:
        """Write the wanted ranges of a body, in order, and see that it ends where the entry says."""
        placed = _placed(entry, body, wanted)
        offset, data = next(placed)
        for start, length in wanted:
            end = start + length
            while start < end:
                if offset > start:
                    step = min(offset - start, end - start, _CHUNK)
                    self._write(bytes(step))
                elif offset + len(data) > start:
                    data = data[start - offset :]
                    offset = start
                    step = min(len(data), end - start)
                    self._write(data[:step])
                else:
                    offset, data = next(placed)
                    continue
                start += step
        for _ in placed:
            pass

    def _pad(self, size: int) -> None:
        if size % BLOCK:
            self._write(ZEROS[: -size % BLOCK])

    def _write(self, data: bytes | memoryview) -> None:
        self.offset += len(data)
        self._out(data)


def _placed(entry: Entry, body: Readable | None, wanted: Map) -> Iterator[tuple[int, memoryview]]:
    """The data of a body with its places, at least of what is wanted; an empty piece at `entry.size` ends it.

    Raises: Corrupt unless the body is as long as the entry says.
    """
    size = 0
    if isinstance(body, Body):
        size = body.size
        yield from body.pieces()
    elif body is not None and entry.sparse is not None and isinstance(body, io.IOBase) and body.seekable():
        yield from _sought(entry, body, wanted)
        size = body.seek(0, io.SEEK_END)
    elif body is not None:
        while data := body.read(_CHUNK):
            yield size, memoryview(data)
            size += len(data)
    if size != entry.size:
        raise _changed(entry)
    yield size, memoryview(b"")


def _sought(entry: Entry, body: io.IOBase, wanted: Map) -> Iterator[tuple[int, memoryview]]:
    for start, length in wanted:
        body.seek(start)
        while length:
            data: bytes = body.read(min(length, _CHUNK))
            if not data:
                raise _changed(entry)
            yield start, memoryview(data)
            start += len(data)
            length -= len(data)


def worth_sparse(entry: Entry) -> Map | None:
    """The map by which to write a sparse file, None to write it with its holes as zeros.

    A map too long for readers is made shorter: its data is written dense from there on.
    """
    pieces = entry.sparse or ()
    if entry.size - sum(length for _, length in pieces) < WORTHWHILE:
        return None
    most = _LARGEST_MAP // 40
    if len(pieces) > most:
        step = -(-len(pieces) // most)
        groups = [pieces[i : i + step] for i in range(0, len(pieces), step)]
        pieces = tuple((group[0][0], sum(group[-1]) - group[0][0]) for group in groups)
    if pieces and sum(pieces[-1]) == entry.size:
        return pieces
    return (*pieces, (entry.size, 0))  # GNU tar ends a map so, for the file to have its full length


def header_bytes(entry: Entry, path: bytes, size: int, records: Records) -> bytes:
    """The blocks that stand before a body of `size` bytes: a PAX header where one is needed, and the ustar header."""
    records = dict(records)
    name = _name(entry, path)
    short, prefix = split_name(name)
    if short is None:
        if b"GNU.sparse.name" not in records:
            records[b"path"] = name
        short = _ascii(name)[:100]
    target = entry.target
    if target and (len(target) > 100 or not target.isascii()):
        records[b"linkpath"] = target
        target = _ascii(target)[:100]
    if not target and entry.kind in (kinds.HARDLINK, kinds.SYMLINK):
        raise Invalid("a link without a target: {path}", path=entry.path.decode("utf-8", "replace"))
    if entry.mtime_ns % _SECOND:
        records[b"mtime"] = _decimal_time(entry.mtime_ns)
    seconds = entry.mtime_ns // _SECOND
    block = _block(
        (short, prefix, entry.kind, target),
        entry.mode & 0o7777,
        (
            _fitting(entry.uid, 7, b"uid", records),
            _fitting(entry.gid, 7, b"gid", records),
            _fitting(size, 11, b"size", records),
            _fitting(seconds, 11, b"mtime", records),
        ),
        entry.device if entry.kind in (kinds.CHARACTER, kinds.BLOCK) else None,
    )
    _add_xattrs(entry, records)
    return _extended(records, entry.path) + block if records else block


def _name(entry: Entry, path: bytes) -> bytes:
    if b"\0" in path or b"\0" in entry.target:
        raise Invalid("a NUL in the name {name!r}", name=path)
    if entry.kind == kinds.DIRECTORY:
        return path + b"/" if path else b"./"
    if not path:
        raise Invalid("only a directory can be the root of a layer")
    return path


def split_name(name: bytes) -> tuple[bytes | None, bytes]:
    """A name as ustar's name and prefix; None where they cannot hold it. Names outside ASCII need a PAX header."""
    if not name.isascii():
        return None, b""
    if len(name) <= 100:
        return name, b""
    cut = name.find(b"/", max(len(name) - 101, 1))
    if len(name) <= 256 and 0 < cut <= 155 and cut + 1 < len(name):
        return name[cut + 1 :], name[:cut]
    return None, b""


def _ascii(name: bytes) -> bytes:
    return name if name.isascii() else bytes(byte if byte < 128 else 63 for byte in name)


def _decimal_time(time_ns: int) -> bytes:
    sign, value = (b"-", -time_ns) if time_ns < 0 else (b"", time_ns)
    return sign + b"%d.%09d" % divmod(value, _SECOND)


def _fitting(number: int, digits: int, key: bytes, records: Records) -> bytes:
    """The octal field, or zeros and a record where the field cannot hold the number."""
    if not 0 <= number < 8**digits:
        records.setdefault(key, b"%d" % number)
        number = 0
    return b"%0*o\0" % (digits, number)


def _block(
    names: tuple[bytes, bytes, bytes, bytes],
    mode: int,
    numbers: tuple[bytes, bytes, bytes, bytes],
    device: tuple[int, int] | None,
) -> bytes:
    name, prefix, kind, target = names
    uid, gid, size, mtime = numbers
    major, minor = (_DEVICE, _DEVICE) if device is None else (_device(device[0]), _device(device[1]))
    head = (name, b"%07o\0" % mode, uid, gid, size, mtime)
    rest = (kind, target, _MAGIC, _VERSION, b"", b"", major, minor, prefix, b"")
    blank = FIELDS.pack(*head, _SPACES, *rest)
    total = (adler32(blank[:256], 0) & 0xFFFF) + (adler32(blank[256:], 0) & 0xFFFF)  # as in header.check_sum
    return FIELDS.pack(*head, b"%06o\0 " % total, *rest)


def _device(number: int) -> bytes:
    if not 0 <= number < 8**7:
        raise Invalid("device number {number} is out of range", number=number)
    return b"%07o\0" % number


def _add_xattrs(entry: Entry, records: Records) -> None:
    for name, value in entry.xattrs.items():
        if b"=" in name:
            from base64 import b64encode

            records[b"LIBARCHIVE.xattr." + quote_from_bytes(name).encode()] = b64encode(value).rstrip(b"=")
        else:
            records[b"SCHILY.xattr." + name] = value


def _extended(records: Records, path: bytes) -> bytes:
    """The PAX header with these records."""
    for key in (b"path", b"linkpath", b"GNU.sparse.name"):
        try:
            records.get(key, b"").decode("utf-8")
        except UnicodeDecodeError:
            records[b"hdrcharset"] = b"BINARY"
    # The character set comes first: it speaks of the records that follow it.
    data = b"".join(_record(key, records[key]) for key in sorted(records, key=lambda key: (key != b"hdrcharset", key)))
    name = b"PaxHeaders.0/" + _ascii(path.rpartition(b"/")[2])[:80]
    numbers = (b"0000000\0", b"0000000\0", b"%011o\0" % len(data), b"00000000000\0")
    return b"".join((_block((name, b"", b"x", b""), 0o644, numbers, None), data, ZEROS[: -len(data) % BLOCK]))


def _record(key: bytes, value: bytes) -> bytes:
    """One record: its length counts itself."""
    rest = len(key) + len(value) + 3
    length = rest + len(b"%d" % rest)
    length = rest + len(b"%d" % length)
    return b"%d %s=%s\n" % (length, key, value)


def _changed(entry: Entry) -> Corrupt:
    return Corrupt(
        "{path} is not {size} bytes long: it changed while it was read",
        path=entry.path.decode("utf-8", "replace"),
        size=entry.size,
    )
