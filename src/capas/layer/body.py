"""The body of an entry as it passes by: read as a file, or taken in pieces without copying."""

from __future__ import annotations

from collections.abc import Iterator

from capas.errors import Conflict
from capas.layer.pax import Map
from capas.layer.window import Window, truncated

_SMALL = 1 << 20


class Body:
    """What a file holds, to be read once and before the next entry is asked for.

    `read` shows the file as it is, holes as zeros; `pieces` gives its data alone with their places. Use one of them.
    """

    __slots__ = ("_left", "_window", "size")

    def __init__(self, window: Window, size: int) -> None:
        """`size` is the file's length in bytes."""
        self._window: Window | None = window
        self._left = size
        self.size = size

    def abandon(self) -> None:
        """Give the body up, as the reader goes on."""
        self._window = None

    def whole(self) -> memoryview | None:
        """All of a small file at once where it has no holes, else None and nothing is taken."""
        left = self._left
        if left > _SMALL or left != self.size:
            return None
        window = self._window or self._open()
        data = window.take(left)
        if len(data) < left:
            window.skip(-len(data))
            if window.fill(left) < left:
                raise truncated()
            data = window.take(left)
        self._left = 0
        return data

    def pieces(self) -> Iterator[tuple[int, memoryview]]:
        """Data with its offset in the file; what no piece covers is a hole. Raises: Corrupt where the stream ends."""
        while self._left:
            offset = self.size - self._left
            yield offset, self._take(self._left)

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes of the file; empty at its end only. Raises: Corrupt where the stream ends."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_SMALL), b""))
        return bytes(self._take(min(size, self._left))) if size and self._left else b""

    def _take(self, most: int) -> memoryview:
        data = self._open().take_some(most)
        self._left -= len(data)
        return data

    def _open(self) -> Window:
        if self._window is None:
            raise Conflict("the body of an entry was read after the next entry had been asked for")
        return self._window


class SparseBody(Body):
    """The body of a file with holes: the tar has its data only."""

    __slots__ = ("_hole", "_map", "_piece", "_shown")

    def __init__(self, window: Window, size: int, stored: int, pieces: Map) -> None:
        super().__init__(window, size)
        self._left = stored
        self._map = iter(pieces)
        self._shown = 0  # bytes of the file given by read
        self._hole = 0  # bytes left of a hole and of the piece that comes after it
        self._piece = 0

    def whole(self) -> memoryview | None:
        """Nothing: it is taken in pieces."""
        return None

    def pieces(self) -> Iterator[tuple[int, memoryview]]:
        """See `Body`."""
        for offset, length in self._map:
            end = offset + length
            while offset < end:
                data = self._take(end - offset)
                yield offset, data
                offset += len(data)

    def read(self, size: int = -1, /) -> bytes:
        """See `Body`."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_SMALL), b""))
        if not self._hole and not self._piece:
            offset, self._piece = next(self._map, (self.size, 0))
            self._hole = offset - self._shown
        if self._hole:
            data = bytes(min(size, self._hole, _SMALL))
            self._hole -= len(data)
        elif self._piece and size:
            data = bytes(self._take(min(size, self._piece)))
            self._piece -= len(data)
        else:
            return b""
        self._shown += len(data)
        return data
