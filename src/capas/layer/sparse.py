"""Sparse files in a tar: their maps, in the four forms that GNU tar has written.

Spec: GNU tar manual, "Storing Sparse Files".
"""

from __future__ import annotations

from capas.errors import Corrupt, Exhausted, Unsupported
from capas.layer import pax
from capas.layer.header import BLOCK, parse_number
from capas.layer.pax import Map, Records
from capas.layer.window import Window, truncated


def is_sparse(kind: bytes, records: Records) -> bool:
    """Whether a header of this type flag, with these records, is that of a sparse file."""
    return kind == b"S" or b"GNU.sparse.major" in records or b"GNU.sparse.map" in records


class SparseReader:
    """Reads the map of a sparse file, wherever it is, from the stream."""

    def __init__(self, window: Window, limit: int) -> None:
        """`limit` is for the bytes of a map."""
        self._window = window
        self._limit = limit

    def read(self, block: bytes, kind: bytes, records: Records, stored: int) -> tuple[Map, int, int]:
        """The map, the file's real size, and how many of its `stored` bytes are data. Raises: Corrupt; Exhausted."""
        if kind == b"S":
            pieces, size = self._old(block), parse_number(block[483:495])
        elif b"GNU.sparse.major" in records:
            if (records[b"GNU.sparse.major"], records.get(b"GNU.sparse.minor")) != (b"1", b"0"):
                raise Unsupported("a sparse file of an unknown format")
            pieces, length = self._inline(stored)
            stored -= length
            size = pax.parse_decimal(records.get(b"GNU.sparse.realsize", b""), b"GNU.sparse.realsize")
        else:
            pieces = pax.parse_map(records[b"GNU.sparse.map"])
            size = pax.parse_decimal(records.get(b"GNU.sparse.size", b""), b"GNU.sparse.size")
        return pax.check_map(pieces, size, stored), size, stored

    def _old(self, block: bytes) -> Map:
        """A map in the header itself, continued in blocks of its own."""
        pieces = pax.parse_gnu_map(block[386:482])
        more, read = block[482], 0
        while more:
            read += BLOCK
            continued = self._take(read)
            pieces += pax.parse_gnu_map(continued[:504])
            more = continued[504]
        return pieces

    def _inline(self, stored: int) -> tuple[Map, int]:
        """A map at the head of the body, as lines, and the bytes that it takes there."""
        lines: list[bytes] = []
        rest, read, wanted = b"", 0, 1
        while len(lines) < wanted:
            read += BLOCK
            if read > stored:
                raise Corrupt("malformed map of a sparse file")
            *more, rest = (rest + self._take(read)).split(b"\n")
            lines += more
            if lines:
                wanted = 1 + 2 * pax.parse_size(lines[0], b"map")
        return pax.parse_inline_map(pax.parse_size(line, b"map") for line in lines[1:wanted]), read

    def _take(self, read: int) -> bytes:
        if read > self._limit:
            raise Exhausted("the map of a sparse file is larger than {limit} bytes", limit=self._limit)
        if self._window.fill(BLOCK) < BLOCK:
            raise truncated()
        return bytes(self._window.take(BLOCK))
