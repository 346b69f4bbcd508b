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

from capas.run.log_files import is_same, list_log_files
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
        self._path = path
        self._file = _open_at(list_log_files(path), tail)

    def read(self, most: int) -> list[LogLine]:
        """The next entries that are wanted; none where there are no more at present."""
        lines: list[LogLine] = []
        while len(lines) < most and not self.over and (line := self._next()) is not None:
            lines.append(line)
        return lines

    def has_grown(self) -> bool:
        """Whether there may be more by now. Never waits."""
        return os.fstat(self._file.fileno()).st_size > self._file.tell() or self._younger() is not None

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
        while (text := self._line()) or self._move_on():
            line = self._parse(text)
            if line is None or line.time_ns < self._since_ns:
                continue
            self.over = bool(self._until_ns) and line.time_ns > self._until_ns
            return None if self.over else line
        return None

    def _line(self) -> bytes:
        """The next line that is whole."""
        begin = self._file.tell()
        text = self._file.readline()
        if text.endswith(b"\n"):
            return text
        self._file.seek(begin)
        return b""

    def _move_on(self) -> bool:
        """On to the file that was begun after this one, where that has more than was read of it: then stay."""
        younger = self._younger()
        if younger is None:
            return False
        begin = self._file.tell()
        if self._line():  # written between our last look and the turning over
            self._file.seek(begin)
            return True
        try:
            file = younger.open("rb")
        except FileNotFoundError:  # turned over once more
            return True
        self._file.close()
        self._file = file
        return True

    def _younger(self) -> Path | None:
        """The file that was begun after this one; the oldest where this one is gone."""
        files, fd = list_log_files(self._path), self._file.fileno()
        place = next((number for number, path in enumerate(files) if is_same(fd, path)), len(files))
        return files[place - 1] if place else None

    def _parse(self, text: bytes) -> LogLine | None:
        try:
            entry = self._decode(text)
            stamp = str(entry["time"])
            if stamp != self._stamp[0]:  # what was written at once has one time
                self._stamp = stamp, parse_time(stamp)
            return LogLine(str(entry["stream"]), str(entry["log"]), self._stamp[1])
        except (MsgspecError, ValueError, KeyError, TypeError):
            return None  # a line that a crash cut short


def _open_at(files: list[Path], tail: int | None) -> BinaryIO:
    """The file to begin with, at its place: of files with the youngest first, that in which the last `tail` begin."""
    missing = tail or 0
    for path in files if tail is not None else files[-1:]:
        try:
            file = path.open("rb")
        except FileNotFoundError:  # the oldest, which made room
            break
        missing = _seek_last(file, missing) if tail is not None else 0
        if not missing or path == files[-1]:
            return file
        file.close()
    return open(os.devnull, "rb")


def _seek_last(file: BinaryIO, count: int) -> int:
    """To where the last `count` lines begin, from the end, so that a long log is not read for its tail.

    How many it has not.
    """
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
                return 0
    file.seek(0)
    return count - seen
