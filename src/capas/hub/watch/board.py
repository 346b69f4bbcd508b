"""Counters of requests: each process of a hub writes a small mapped file of its own, and whoever is asked adds them up.

The places are fixed (route, method, status), so that counting is an addition to a number in mapped memory: no lock,
no message, and no counter goes back while the server runs, even if a process dies.
"""

from __future__ import annotations

import mmap
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from capas.hub.distribution.route import BLOB, CATALOG, MANIFEST, PING, REFERRERS, TAGS, UPLOAD, UPLOADS

PAGES, API, OTHER = "pages", "api", "other"
ROUTES = (PING, CATALOG, MANIFEST, BLOB, UPLOADS, UPLOAD, TAGS, REFERRERS, PAGES, API, OTHER)
METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", OTHER)
STATUSES: tuple[int, ...] = (
    *(200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308),
    *(400, 401, 403, 404, 405, 409, 411, 413, 416, 422, 429, 499),  # 499: the client left before its answer
    *(500, 502, 503, 504, 507, 0),  # 0: any other
)
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)  # seconds

_KINDS = len(ROUTES) * len(METHODS)
_BUCKETS = len(BOUNDS) + 2  # with that of the slower ones, and the sum of seconds
_TIMES = _KINDS * len(STATUSES)
_SINGLE = _TIMES + _KINDS * _BUCKETS
SINGLES = (
    "under_way",
    "received_bytes",
    "sent_bytes",
    "collections",
    "collected_blobs",
    "collected_bytes",
    "collect_seconds",
)
_SIZE = _SINGLE + len(SINGLES)

_KIND_OF = {(route, method): r * len(METHODS) + m for r, route in enumerate(ROUTES) for m, method in enumerate(METHODS)}
_STATUS_OF = {status: number for number, status in enumerate(STATUSES)}
_SINGLE_OF = {name: _SINGLE + number for number, name in enumerate(SINGLES)}


class Done(NamedTuple):
    """One request that was answered. `received` and `sent` are bytes of bodies."""

    route: str
    method: str
    status: int
    seconds: float
    received: int
    sent: int


class Board:
    """This process's counters. `folder` is where those of the others are; without one there are no others."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._map = _map(None if folder is None else folder / f"{os.getpid()}.board")
        self._cells = memoryview(self._map).cast("d")

    def count(self, done: Done) -> None:
        """Count a request."""
        kind = _KIND_OF.get((done.route, done.method))
        if kind is None:
            kind = _KIND_OF[done.route, OTHER]
        cells = self._cells
        cells[kind * len(STATUSES) + _STATUS_OF.get(done.status, len(STATUSES) - 1)] += 1
        times = _TIMES + kind * _BUCKETS
        cells[times + bisect_left(BOUNDS, done.seconds)] += 1
        cells[times + _BUCKETS - 1] += done.seconds
        if done.received:
            self.add("received_bytes", done.received)
        if done.sent:
            self.add("sent_bytes", done.sent)

    def add(self, name: str, number: float) -> None:
        """Add to one of SINGLES."""
        self._cells[_SINGLE_OF[name]] += number

    def total(self) -> Totals:
        """All processes' counters together; requests under way are those of the living."""
        total = array("d", bytes(8 * _SIZE))
        for pid, cells in self._boards():
            for number, value in enumerate(cells):
                if value:
                    total[number] += value
            if pid and not Path(f"/proc/{pid}").exists():
                total[_SINGLE_OF["under_way"]] -= cells[_SINGLE_OF["under_way"]]
        return Totals(total)

    def close(self) -> None:
        """Let go of the memory; the counts stay for the others."""
        self._cells.release()
        self._map.close()

    def _boards(self) -> Iterator[tuple[int, Sequence[float]]]:
        if self._folder is None:
            yield 0, self._cells
            return
        for path in sorted(self._folder.glob("*.board")):
            data = path.read_bytes()
            if len(data) == 8 * _SIZE:
                yield int(path.stem), memoryview(data).cast("d")


class Totals:
    """Counters added up."""

    def __init__(self, cells: Sequence[float]) -> None:
        self._cells = cells

    def requests(self) -> Iterator[tuple[str, str, int, int]]:
        """Route, method, status and how many, of those that ever came."""
        for (route, method), kind in _KIND_OF.items():
            for number, status in enumerate(STATUSES):
                if count := self._cells[kind * len(STATUSES) + number]:
                    yield route, method, status, int(count)

    def times(self) -> Iterator[tuple[str, str, Sequence[int], float]]:
        """Route, method, how many within each of BOUNDS and beyond, and the sum of seconds."""
        for (route, method), kind in _KIND_OF.items():
            start = _TIMES + kind * _BUCKETS
            buckets = [int(self._cells[start + number]) for number in range(_BUCKETS - 1)]
            if any(buckets):
                yield route, method, buckets, self._cells[start + _BUCKETS - 1]

    def single(self, name: str) -> float:
        """One of SINGLES."""
        return self._cells[_SINGLE_OF[name]]


def _map(path: Path | None) -> mmap.mmap:
    if path is None:
        return mmap.mmap(-1, 8 * _SIZE)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(fd, 8 * _SIZE)
        return mmap.mmap(fd, 8 * _SIZE)
    finally:
        os.close(fd)
