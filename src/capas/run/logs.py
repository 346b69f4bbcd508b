"""A container's log: docker's json-file lines, written as they come. `log_reader` reads them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from json.encoder import encode_basestring as _quoted  # a third of what json.dumps takes
from pathlib import Path

from capas.run.log_files import NO_LIMIT, LogLimit, turn_over
from capas.run.times import format_time

_LONGEST = 16 * 1024  # docker's limit for one entry; a longer line is several entries


class LogWriter:
    """Entries appended to the file, or to a new one at its limit. Safe from several threads, one for each stream."""

    def __init__(self, path: Path, now: Callable[[], int], limit: LogLimit = NO_LIMIT) -> None:
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 closed by close()
        self._path, self._now, self._limit = path, now, limit
        self._lock = threading.Lock()
        self._rest: dict[str, bytes] = {}

    def write(self, stream: str, data: bytes) -> None:
        """Take bytes of a stream: whole lines are written at once, the rest of a line when it ends."""
        pieces = (self._rest.pop(stream, b"") + data).split(b"\n")
        rest = pieces.pop()
        entries = [piece + b"\n" for piece in pieces]
        while len(rest) >= _LONGEST:
            entries.append(rest[:_LONGEST])
            rest = rest[_LONGEST:]
        if rest:
            self._rest[stream] = rest
        if entries:
            self._append(stream, entries)

    def close(self) -> None:
        """Write what has no newline yet, and close."""
        for stream, rest in self._rest.items():
            self._append(stream, [rest])
        self._rest.clear()
        self._file.close()

    def _append(self, stream: str, entries: list[bytes]) -> None:
        rest = f',"stream":"{stream}","time":"{format_time(self._now())}"}}\n'
        text = "".join(f'{{"log":{_quoted(entry.decode("utf-8", "replace"))}{rest}' for entry in entries)
        with self._lock:
            try:
                self._file.write(text.encode("utf-8", "surrogateescape"))
                if self._limit.max_size and self._file.tell() >= self._limit.max_size:
                    self._turn_over()
            except OSError:
                pass  # a full disk must not stop the container

    def _turn_over(self) -> None:
        turn_over(self._path, self._limit.max_files)
        self._file.close()
        self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115 closed by close()
