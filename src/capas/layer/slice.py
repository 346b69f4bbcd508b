"""A part of an open file, read by position: many readers share one descriptor."""

from __future__ import annotations

import io
import os


class Slice(io.RawIOBase):
    """`size` bytes of the file `fd` from `start`. Closing it leaves the descriptor open."""

    def __init__(self, fd: int, start: int, size: int) -> None:
        self._fd = fd
        self._start = start
        self.size = size
        self._at = 0

    def cut(self, start: int, size: int) -> Slice:
        """A part of this part."""
        return Slice(self._fd, self._start + start, size)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go there."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, all that is left for -1."""
        left = max(0, self.size - self._at)
        data = os.pread(self._fd, left if size < 0 else min(size, left), self._start + self._at)
        self._at += len(data)
        return data
