"""Reading a container's log: by time, by count, or as it grows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from msgspec import MsgspecError
from msgspec.json import Decoder

from capas.run.times import parse_time

_POLL_SECONDS = 0.05
_BATCH = 500
_BLOCK = 64 * 1024


class LogLine(NamedTuple):
    """One entry: `text` ends with a newline unless the line goes on in the next entry."""

    stream: str  # "stdout" or "stderr"
    text: str
    time_ns: int


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
    with LogReader(path, tail=tail, since_ns=since_ns, until_ns=until_ns) as log:
        while True:
            living = alive is not None and alive()  # asked before reading: what a container wrote last is not missed
            while lines := log.read(_BATCH):
                yield from lines
            if not living or log.over:
                return
            time.sleep(_POLL_SECONDS)


class LogReader:
    """A log that is read as it grows, some entries at a time; a log that was never written is an empty one."""

    def __init__(self, path: Path, *, tail: int | None = None, since_ns: int = 0, until_ns: int = 0) -> None:
        self._since_ns, self._until_ns = since_ns, until_ns
        self._decode = Decoder().decode
        self._stamp = "", 0
        self.over = False  # what comes is after the time that is wanted
        try:
            self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 closed by close()
        except FileNotFoundError:
            self._file = open(os.devnull, "rb")  # noqa: SIM115 closed by close()
        if tail is not None:
            _seek_last(self._file, tail)

    def read(self, most: int) -> list[LogLine]:
        """The next entries that are wanted; none where there are no more at present."""
        lines: list[LogLine] = []
        while len(lines) < most and not self.over and (line := self._next()) is not None:
            lines.append(line)
        return lines

    def has_grown(self) -> bool:
        """Whether there may be more by now. Never waits."""
        return os.fstat(self._file.fileno()).st_size > self._file.tell()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> LogReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next(self) -> LogLine | None:
        while True:
            begin = self._file.tell()
            text = self._file.readline()
            if not text.endswith(b"\n"):
                self._file.seek(begin)
                return None
            line = self._parse(text)
            if line is None or line.time_ns < self._since_ns:
                continue
            self.over = bool(self._until_ns) and line.time_ns > self._until_ns
            return None if self.over else line

    def _parse(self, text: bytes) -> LogLine | None:
        try:
            entry = self._decode(text)
            stamp = str(entry["time"])
            if stamp != self._stamp[0]:  # what was written at once has one time
                self._stamp = stamp, parse_time(stamp)
            return LogLine(str(entry["stream"]), str(entry["log"]), self._stamp[1])
        except (MsgspecError, ValueError, KeyError, TypeError):
            return None  # a line that a crash cut short


def _seek_last(file: BinaryIO, count: int) -> None:
    """To where the last `count` lines begin, from the end, so that a long log is not read for its tail."""
    position, seen = file.seek(0, os.SEEK_END), 0
    while position > 0:
        size = min(_BLOCK, position)
        position = file.seek(position - size)
        block = file.read(size)
        at = size
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            seen += 1
            if seen > count:
                file.seek(position + at + 1)
                return
    file.seek(0)
