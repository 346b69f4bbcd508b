"""Compression by first bytes: gzip, zstd or plain in; deterministic gzip or zstd out.

Why level 2 for gzip: on a Debian userland isal's levels 1 and 2 run at about the same speed and 2 is smaller; 3 takes
twice the time for 2 % more. What isal writes at levels 1 and 2 was found equal on its x86-64 kernels from SSE 4.2 on
(qemu's Nehalem and Haswell, and an EPYC); level 3, CPUs before 2009 and other architectures may differ in the blob,
never in the diff_id. zstd is equal everywhere.
"""

from __future__ import annotations

from typing import Literal, Protocol

from capas.errors import Exhausted, Invalid, Unsupported
from capas.layer.inflate import GZIP_MAGIC, PIECE, ZSTD_MAGIC, GzipPieces, Pieces, Source, ZstdPieces
from capas.store.contract import Readable

Kind = Literal["gzip", "zstd", "none"]
LARGEST = 1 << 42
"""The default limit of an inflated stream, in bytes: above any real image, below an endless bomb."""

GZIP_LEVEL = 2
ZSTD_LEVEL = 3
_BLOCK = 1 << 20
_OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x04\x22\x4d\x18": "lz4"}


def sniff(head: bytes) -> Kind:
    """The compression that a stream's first bytes tell.

    Raises: Unsupported for one that layers do not use.
    """
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    if head.startswith(ZSTD_MAGIC) or (head[1:4] == b"\x2a\x4d\x18" and head[:1] and head[0] & 0xF0 == 0x50):
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
            return b"".join(iter(lambda: self.read(PIECE), b""))
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
