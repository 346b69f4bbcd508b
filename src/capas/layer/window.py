"""A stream seen through a window: large reads below, small looks above, nothing copied on the way."""

from __future__ import annotations

from capas.errors import Corrupt
from capas.store.contract import Readable

_READ = 1 << 20


class Window:
    """What has been read of a stream and not been taken: `view` from `position` on. `offset` counts what was taken."""

    __slots__ = ("_end", "_leap", "_start", "_stream", "position", "view")

    def __init__(self, stream: Readable) -> None:
        """A stream with a method `leap(size)` is not read where bytes are left out: it goes there."""
        self._stream = stream
        self._leap = getattr(stream, "leap", None)
        self._show(b"", 0)
        self._start = 0

    def _show(self, buffer: bytes, start: int) -> None:
        self.view = memoryview(buffer)
        self._end = len(buffer)
        self.position = 0
        self._start = start

    @property
    def offset(self) -> int:
        """Bytes of the stream that are behind us."""
        return self._start + self.position

    def fill(self, size: int) -> int:
        """Have `size` bytes at hand, fewer only at the stream's end. Returns: how many there are."""
        left = self._end - self.position
        if left >= size:
            return left
        pieces = [self.view[self.position :]] if left else []
        while left < size and (more := self._stream.read(_READ)):
            pieces.append(memoryview(more))
            left += len(more)
        buffer = pieces[0].obj if len(pieces) == 1 and pieces[0].nbytes == len(pieces[0].obj) else b"".join(pieces)  # type: ignore[arg-type]
        self._show(buffer, self.offset)  # type: ignore[arg-type]
        return left

    def look(self, size: int) -> memoryview:
        """The next `size` bytes, which `fill` has brought; they stay."""
        return self.view[self.position : self.position + size]

    def take(self, size: int) -> memoryview:
        """The next `size` bytes, as far as `fill` has brought them."""
        data = self.view[self.position : self.position + size]
        self.position += len(data)
        return data

    def take_some(self, most: int) -> memoryview:
        """At least one byte and at most `most`, as many as come without copying. Raises: Corrupt at the end."""
        left = self._end - self.position
        if not left:
            left = self.fill(1)
            if not left:
                raise truncated()
        return self.take(min(left, most))

    def skip(self, size: int) -> None:
        """Leave out `size` bytes. Raises: Corrupt where the stream is shorter."""
        position = self.position + size
        if position <= self._end:
            self.position = position
            return
        if self._leap is not None:
            self._leap(position - self._end)
            self._show(b"", self._start + position)
            return
        while size:
            size -= len(self.take_some(size))

    def drain(self) -> None:
        """Read the stream to its end."""
        self.position = self._end
        while more := self._stream.read(_READ):
            self._start += len(more)


def truncated() -> Corrupt:
    """The error for a stream that ends too soon."""
    return Corrupt("truncated tar stream")
