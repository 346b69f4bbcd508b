"""A container's log: docker's json-file lines, written as they come and read by time, by count, or as they grow."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from capas.run.times import format_time, parse_time

_LONGEST = 16 * 1024  # docker's limit for one entry; a longer line is several entries
_POLL_SECONDS = 0.05


class LogLine(NamedTuple):
    """One entry: `text` ends with a newline unless the line goes on in the next entry."""

    stream: str  # "stdout" or "stderr"
    text: str
    time_ns: int


class LogWriter:
    """Entries appended to the file. Safe from several threads, one for each stream."""

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 closed by close()
        self._now = now
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
        at = format_time(self._now())
        text = "".join(
            json.dumps({"log": entry.decode("utf-8", "replace"), "stream": stream, "time": at}, ensure_ascii=False)
            + "\n"
            for entry in entries
        )
        with self._lock:
            try:
                self._file.write(text.encode("utf-8", "surrogateescape"))
            except OSError:
                pass  # a full disk must not stop the container


def iter_log(
    path: Path,
    *,
    tail: int | None = None,
    since_ns: int = 0,
    until_ns: int = 0,
    alive: Callable[[], bool] | None = None,
) -> Iterator[LogLine]:
    """The entries, oldest first. With `alive` it goes on as the log grows, until that says no.

    Order: as written. `tail` counts the entries that are there when it begins.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 closed below
    except FileNotFoundError:
        return
    with file:
        there = _parsed(_whole_lines(file))
        for line in there if tail is None else deque(there, maxlen=tail):
            if _wanted(line, since_ns, until_ns):
                yield line
        while alive is not None:
            living = alive()  # asked before reading, so that what a container wrote last is not missed
            for line in _parsed(_whole_lines(file)):
                if until_ns and line.time_ns > until_ns:
                    return
                if _wanted(line, since_ns, until_ns):
                    yield line
            if not living:
                return
            time.sleep(_POLL_SECONDS)


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    while True:
        begin = file.tell()
        line = file.readline()
        if not line.endswith(b"\n"):
            file.seek(begin, os.SEEK_SET)
            return
        yield line


def _parsed(lines: Iterator[bytes]) -> Iterator[LogLine]:
    for line in lines:
        try:
            entry = json.loads(line)
            yield LogLine(str(entry["stream"]), str(entry["log"]), parse_time(str(entry["time"])))
        except (ValueError, KeyError, TypeError):
            continue  # a line that a crash cut short


def _wanted(line: LogLine, since_ns: int, until_ns: int) -> bool:
    return line.time_ns >= since_ns and (not until_ns or line.time_ns <= until_ns)
