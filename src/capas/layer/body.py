"""The body of an entry as it passes by: read as a file, or taken in pieces without copying."""

from __future__ import annotations

from collections.abc import Iterator

from capas.errors import Conflict
from capas.layer.header import BLOCK
from capas.layer.pax import Map
from capas.layer.window import Window, truncated

_SMALL = 1 << 20


class Body:
    """What a file holds, to be read once and before the next entry is asked for.

    `read` shows the file as it is, holes as zeros; `pieces` gives its data alone with their places. Use one of them.
    """

    __slots__ = ("_hole", "_left", "_map", "_next", "_padding", "_piece", "_shown", "_size", "_window")

    def __init__(self, window: Window, stored: int, size: int, pieces: Map | None) -> None:
        self._window: Window | None = window
        self._left = stored
        self._padding = -stored % BLOCK
        self._size = size
        self._map = pieces
        self._shown = 0  # bytes of the file given by read
        self._next = 0  # piece of the map that comes next
        self._hole = 0
        self._piece = 0 if pieces is not None else stored

    @property
    def plain(self) -> bool:
        """Whether it has no holes and nothing of it has been read."""
        return self._map is None and self._left == self._size

    @property
    def size(self) -> int:
        """The file's length in bytes, holes and all."""
        return self._size

    def abandon(self) -> int:
        """Give the body up, as the reader goes on. Returns: bytes of the tar that are left of it, padding and all."""
        left = self._left + self._padding
        self._window = None
        return left

    def whole(self) -> memoryview | None:
        """All of a small file at once where it is plain and at hand, else None and nothing is taken."""
        left = self._left
        if left > _SMALL or not self.plain:
            return None
        window = self._open()
        if window.fill(left) < left:
            raise truncated()
        self._left = 0
        return window.take(left)

    def pieces(self) -> Iterator[tuple[int, memoryview]]:
        """Data with its offset in the file; what no piece covers is a hole. Raises: Corrupt where the stream ends."""
        for offset, length in ((0, self._left),) if self._map is None else self._map:
            end = offset + length
            while offset < end:
                data = self._open().take_some(end - offset)
                self._left -= len(data)
                yield offset, data
                offset += len(data)

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes of the file; empty at its end only. Raises: Corrupt where the stream ends."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_SMALL), b""))
        if not self._hole and not self._piece and self._map is not None:
            self._advance(self._map)
        if self._hole:
            step = min(size, self._hole, _SMALL)
            self._hole -= step
            data = bytes(step)
        elif self._piece and size:
            data = bytes(self._open().take_some(min(size, self._piece)))
            self._piece -= len(data)
            self._left -= len(data)
        else:
            return b""
        self._shown += len(data)
        return data

    def _advance(self, pieces: Map) -> None:
        """Go to the next piece of a sparse file, or to its end."""
        if self._next < len(pieces):
            offset, self._piece = pieces[self._next]
            self._next += 1
        else:
            offset = self._size
        self._hole = offset - self._shown

    def _open(self) -> Window:
        if self._window is None:
            raise Conflict("the body of an entry was read after the next entry had been asked for")
        return self._window
