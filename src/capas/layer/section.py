"""The body of one entry, cut out of a layer's tar."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

from capas.errors import Corrupt
from capas.layer.entry import Entry
from capas.store.contract import Readable

_CHUNK = 1 << 20


def open_section(tar: Readable, entry: Entry, *, at: int = 0) -> BinaryIO:
    """The bytes of a regular file, its holes as zeros. `at` is how far the tar has been read.

    A tar that can seek is sought in; any other is read up to the body. Raises: Corrupt for a tar that ends too early.
    """
    _skip(tar, entry.offset - at, entry.offset)
    return cast(BinaryIO, io.BufferedReader(_Section(_pieces(tar, entry)), _CHUNK))


def stored_size(entry: Entry) -> int:
    """The bytes of an entry's body in the tar: for a sparse file only its data."""
    return entry.size if entry.sparse is None else sum(length for _, length in entry.sparse)


class _Section(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _pieces(tar: Readable, entry: Entry) -> Iterator[bytes]:
    at = 0
    for offset, length in entry.sparse if entry.sparse is not None else ((0, entry.size),):
        yield from _zeros(offset - at)
        yield from _data(tar, length)
        at = offset + length
    yield from _zeros(entry.size - at)


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield bytes(min(count, _CHUNK))
        count -= _CHUNK


def _data(tar: Readable, count: int) -> Iterator[bytes]:
    while count > 0:
        data = tar.read(min(count, _CHUNK))
        if not data:
            raise Corrupt("the layer ends in the middle of a file")
        yield data
        count -= len(data)


def _skip(tar: Readable, count: int, offset: int) -> None:
    seek = getattr(tar, "seek", None)
    if seek is not None:
        seek(offset)
        return
    for _ in _data(tar, count):
        pass
