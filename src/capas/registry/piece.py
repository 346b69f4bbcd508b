"""A piece of a file on its way up: bounded, and counted as it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO


class Piece:
    """`size` bytes of `file` from `offset`. `report` hears the position in the file. Closing it closes the file."""

    def __init__(self, file: BinaryIO, offset: int, size: int, report: Callable[[int], None]) -> None:
        self._file = file
        self._position = offset
        self._left = size
        self._report = report
        file.seek(offset)

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; empty at the end of the piece."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        self._position += len(data)
        if data:
            self._report(self._position)
        return data

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._file.close()
