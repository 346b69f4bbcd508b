"""Lines of a child's output: as they come, of a bounded length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

_LONGEST = 64 * 1024


def iter_lines(stream: IO[bytes]) -> Iterator[str]:
    """Each line without its end; a line longer than 64 KiB comes in pieces. Closes the stream."""
    with stream:
        while True:
            line = stream.readline(_LONGEST)
            if not line:
                return
            yield line.rstrip(b"\r\n").decode("utf-8", "replace")
