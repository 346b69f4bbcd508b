"""Inflating piece by piece: gzip members and zstd frames, each checked to its very end."""

from __future__ import annotations

import struct
from typing import Protocol

from capas.errors import Corrupt
from capas.store.contract import Readable

PIECE = 1 << 20  # large, so that threads rarely ask each other for the interpreter
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_FEED = 1 << 20
_FIRST_FEED = 1 << 10
_WINDOW = 128 << 20  # what `zstd -d` and libarchive accept by default


class Pieces(Protocol):
    """A source of bytes in pieces of its own size."""

    def piece(self) -> bytes:
        """The next bytes; empty at the end only."""


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
            data: bytes = self._decoder.decompress(feed, PIECE)
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
        if bytes(self._input[:2]) != GZIP_MAGIC:
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
            data = self._reader.read(PIECE)
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
        if field == ZSTD_MAGIC:
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
