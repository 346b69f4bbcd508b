"""Compression by first bytes: gzip, zstd or plain in; deterministic gzip or zstd out.

Why level 2 for gzip: on a Debian userland isal's levels 1 and 2 run at about the same speed and 2 is smaller; 3 takes
twice the time for 2 % more. What isal writes at levels 1 and 2 was found equal on every x86-64 kernel of it from SSE 4.2 on
(qemu's Nehalem and Haswell, and an EPYC); level 3, CPUs before 2009 and other architectures may differ in the blob, never in
the diff_id. zstd is equal everywhere.
"""

from __future__ import annotations

import struct
from typing import Literal, Protocol

from capas.errors import Corrupt, Exhausted, Invalid, Unsupported
from capas.store.contract import Readable

Kind = Literal["gzip", "zstd", "none"]
LARGEST = 1 << 42
"""The default limit of an inflated stream, in bytes: above any real image, below an endless bomb."""

GZIP_LEVEL = 2
ZSTD_LEVEL = 3
_FEED = 256 << 10
_FIRST_FEED = 1 << 10
_PIECE = 256 << 10
_BLOCK = 1 << 20
_WINDOW = 128 << 20  # what `zstd -d` and libarchive accept by default
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x04\x22\x4d\x18": "lz4"}


def sniff(head: bytes) -> Kind:
    """The compression that a stream's first bytes tell.

    Raises: Unsupported for one that layers do not use.
    """
    if head.startswith(_GZIP_MAGIC):
        return "gzip"
    if head.startswith(_ZSTD_MAGIC) or (head[1:4] == b"\x2a\x4d\x18" and head[:1] and head[0] & 0xF0 == 0x50):
        return "zstd"
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise Unsupported("the stream is {name}: layers are gzip, zstd or plain tar", name=name)
    return "none"


def decompress(stream: Readable, *, limit: int = LARGEST) -> Readable:
    """The inflated bytes of a stream, in bounded memory; `read(n)` may give fewer than n before the end.

    Order: the source is read to its end, no further than what has been asked for needs.
    Raises: Corrupt, from `read`, for a truncated or damaged stream or trailing rubbish; Exhausted beyond `limit` bytes.
    """
    source = Source(stream)
    kind = sniff(source.peek(8))
    if kind == "gzip":
        return Inflated(GzipPieces(source), limit)
    if kind == "zstd":
        return Inflated(ZstdPieces(source), limit)
    return Inflated(source, limit)


class Source:
    """A stream with its first bytes looked at, read in whole feeds."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._pending = b""

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer only at the end; they stay to be read."""
        while len(self._pending) < size and (more := self._stream.read(_FEED)):
            self._pending += more
        return self._pending[:size]

    def piece(self) -> bytes:
        """What comes next, at the source's own size; empty at the end."""
        if self._pending:
            pending, self._pending = self._pending, b""
            return pending
        return self._stream.read(_FEED)


class Pieces(Protocol):
    """A source of bytes in pieces of its own size."""

    def piece(self) -> bytes:
        """The next bytes; empty at the end only."""


class Inflated:
    """Pieces as a stream of bytes, no longer than the limit."""

    def __init__(self, pieces: Pieces, limit: int) -> None:
        self._pieces = pieces
        self._limit = limit
        self._left = limit
        self._pending = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, everything for a negative size; empty at the end only."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_PIECE), b""))
        if not self._pending:
            data = self._next()
            if len(data) <= size:
                return data
            self._pending = memoryview(data)
        taken = self._pending[:size]
        self._pending = self._pending[size:]
        return bytes(taken)

    def _next(self) -> bytes:
        data = self._pieces.piece()
        self._left -= len(data)
        if self._left < 0:
            raise Exhausted(
                "the stream inflates to more than {limit} bytes",
                limit=self._limit,
                hint="raise the limit if the image is to be trusted",
            )
        return data


class GzipPieces:
    """The inflated pieces of one or many gzip members.

    A new member is fed little by little at first: what follows a member's end is handed back by copying it, so that
    large feeds would make a million tiny members cost quadratic time.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._input = memoryview(b"")
        self._feed = _FEED
        self._begin()

    def _begin(self) -> None:
        from isal import igzip_lib

        self._decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._error: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # isal's stub says an instance

    def piece(self) -> bytes:
        """The next inflated bytes; empty at the end only."""
        while True:
            if self._decoder.eof and not self._next_member():
                return b""
            data = self._step()
            if data:
                return data

    def _step(self) -> bytes:
        feed = self._take() if self._decoder.needs_input else memoryview(b"")
        try:
            data: bytes = self._decoder.decompress(feed, _PIECE)
        except self._error as error:
            raise Corrupt("damaged gzip stream: {reason}", reason=str(error)) from error
        if self._decoder.eof:
            unused = len(self._decoder.unused_data)
            self._input = _rewound(feed, unused, self._decoder.unused_data, self._input)
            self._feed = _FIRST_FEED
        return data

    def _take(self) -> memoryview:
        if not self._input:
            self._input = memoryview(self._source.piece())
            if not self._input:
                raise Corrupt("truncated gzip stream")
        feed = self._input[: self._feed]
        self._input = self._input[self._feed :]
        self._feed = min(self._feed * 2, _FEED)
        return feed

    def _next_member(self) -> bool:
        while len(self._input) < 2 and (more := self._source.piece()):
            self._input = memoryview(bytes(self._input) + more)
        if not self._input:
            return False
        if bytes(self._input[:2]) != _GZIP_MAGIC:
            raise Corrupt("trailing rubbish after a gzip stream")
        self._begin()
        return True


def _rewound(feed: memoryview, unused: int, data: bytes, rest: memoryview) -> memoryview:
    """The input with the decoder's unused bytes put back before `rest`; no copy where both are one buffer."""
    if not unused:
        return rest
    whole = feed.obj
    if unused <= len(feed) and isinstance(whole, bytes) and (not rest or rest.obj is whole):
        return memoryview(whole)[len(whole) - len(rest) - unused :]
    return memoryview(data + bytes(rest))


class ZstdPieces:
    """The inflated pieces of one or many zstd frames."""

    def __init__(self, source: Source) -> None:
        import zstandard

        self._frames = Frames(source)
        decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._reader = decoder.stream_reader(self._frames, read_size=_FEED, read_across_frames=True)  # type: ignore[arg-type]
        self._error = zstandard.ZstdError

    def piece(self) -> bytes:
        """The next inflated bytes; empty at the end only."""
        try:
            data = self._reader.read(_PIECE)
        except self._error as error:
            raise Corrupt("damaged zstd stream: {reason}", reason=str(error)) from error
        if not data:
            self._frames.check_end()
        return data


class Frames:
    """Compressed zstd passing through, its frames followed so that a cut one is seen.

    The decoder stops quietly where its input does, so the frame format is followed beside it:
    headers and block sizes only.
    Spec: RFC 8878, section 3.1.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pending = b""
        self._skip = 0
        self._need = 4
        self._state = self._magic
        self._checksum = False
        self._whole = False  # at a frame's end

    def read(self, _size: int = -1, /) -> bytes:
        """The next compressed bytes, as they come."""
        data = self._source.piece()
        self._follow(data)
        return data

    def check_end(self) -> None:
        """Raises: Corrupt unless the last frame was whole."""
        if not self._whole or self._pending or self._skip:
            raise Corrupt("truncated zstd stream")

    def _follow(self, data: bytes) -> None:
        position = 0
        while position < len(data):
            if self._skip:
                step = min(self._skip, len(data) - position)
                self._skip -= step
                position += step
                continue
            step = self._need - len(self._pending)
            self._pending += data[position : position + step]
            position += step
            if len(self._pending) >= self._need:
                field, self._pending = self._pending, b""
                self._state(field)

    def _expect(self, state: object, size: int) -> None:
        self._state, self._need = state, size  # type: ignore[assignment]

    def _magic(self, field: bytes) -> None:
        self._whole = False
        if field == _ZSTD_MAGIC:
            self._expect(self._descriptor, 1)
        elif field[1:] == b"\x2a\x4d\x18" and field[0] & 0xF0 == 0x50:
            self._expect(self._skippable, 4)
        else:
            raise Corrupt("trailing rubbish after a zstd stream")

    def _skippable(self, field: bytes) -> None:
        (self._skip,) = struct.unpack("<I", field)
        self._end_frame()

    def _descriptor(self, field: bytes) -> None:
        flags = field[0]
        single = flags >> 5 & 1
        content = (single, 2, 4, 8)[flags >> 6]
        self._checksum = bool(flags & 4)
        self._skip = (1 - single) + (0, 1, 2, 4)[flags & 3] + content
        self._expect(self._block, 3)

    def _block(self, field: bytes) -> None:
        header = int.from_bytes(field, "little")
        last, kind, size = header & 1, header >> 1 & 3, header >> 3
        self._skip = 1 if kind == 1 else size
        if last:
            self._skip += 4 if self._checksum else 0
            self._end_frame()

    def _end_frame(self) -> None:
        self._whole = True
        self._expect(self._magic, 4)


class Compressor(Protocol):
    """Bytes in, compressed bytes out. The same bytes give the same output however they are cut into writes."""

    def write(self, data: bytes | bytearray | memoryview, /) -> bytes:
        """What is ready after taking `data`; often nothing."""

    def finish(self) -> bytes:
        """The rest."""


def compressor(kind: Kind, level: int | None = None) -> Compressor:
    """A deterministic writer: no name and no time in the header. Raises: Invalid for a level that the kind has not."""
    if kind == "gzip":
        return GzipCompressor(_checked(kind, GZIP_LEVEL if level is None else level, 0, 3))
    if kind == "zstd":
        return ZstdCompressor(_checked(kind, ZSTD_LEVEL if level is None else level, 1, 22))
    if kind == "none":
        return Uncompressed()
    raise Invalid("no such compression: {kind}", kind=kind, hint="gzip, zstd or none")


def _checked(kind: str, level: int, least: int, most: int) -> int:
    if not least <= level <= most:
        raise Invalid("{kind} has no level {level}", kind=kind, level=level, hint=f"a number from {least} to {most}")
    return level


class GzipCompressor:
    """gzip by isal, fed blocks of one size: isal's output depends on how its input is cut."""

    def __init__(self, level: int) -> None:
        from isal import isal_zlib

        self._encoder = isal_zlib.compressobj(level, isal_zlib.DEFLATED, 31)
        self._pending = bytearray()

    def write(self, data: bytes | bytearray | memoryview, /) -> bytes:
        """What is ready after taking `data`."""
        pending = self._pending
        if len(pending) + len(data) < _BLOCK:
            pending += data
            return b""
        rest = memoryview(data)
        ready = []
        if pending:
            first = _BLOCK - len(pending)
            pending += rest[:first]
            rest = rest[first:]
            ready.append(self._encoder.compress(pending))
        while len(rest) >= _BLOCK:
            ready.append(self._encoder.compress(rest[:_BLOCK]))
            rest = rest[_BLOCK:]
        self._pending = bytearray(rest)
        return b"".join(ready)

    def finish(self) -> bytes:
        """The rest, with the trailer."""
        return bytes(self._encoder.compress(self._pending) + self._encoder.flush())


class ZstdCompressor:
    """zstd in one frame with a checksum."""

    def __init__(self, level: int) -> None:
        import zstandard

        self._encoder = zstandard.ZstdCompressor(level=level, write_checksum=True).compressobj()

    def write(self, data: bytes | bytearray | memoryview, /) -> bytes:
        """What is ready after taking `data`."""
        return self._encoder.compress(data)

    def finish(self) -> bytes:
        """The rest, with the checksum."""
        return self._encoder.flush()


class Uncompressed:
    """The bytes as they are."""

    def write(self, data: bytes | bytearray | memoryview, /) -> bytes:
        """The same bytes."""
        return bytes(data)

    def finish(self) -> bytes:
        """Nothing."""
        return b""
