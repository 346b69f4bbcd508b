"""What is going on, as one picture: the steps of a build and whatever else moves, kept up to date by events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from capas.events import Advanced, Cause, Event, Explained, Failed, Finished, Planned, Said, Settled, Started

_LAST_LINES = 6
CACHED = "CACHED"


class Row:
    """One thing: a step (planned, with a digest) or something else that moves. Times are of the board's clock, in s."""

    __slots__ = (
        "began",
        "causes",
        "digest",
        "done",
        "ended",
        "failed",
        "id",
        "inputs",
        "lines",
        "state",
        "text",
        "total",
    )

    def __init__(self, id: str, text: str) -> None:
        self.id, self.text = id, text
        self.digest = ""
        self.inputs: tuple[str, ...] = ()
        self.began: float | None = None
        self.ended: float | None = None
        self.failed = False
        self.state = ""  # the last phase said of it: "Downloading", "DONE 0.1s", "CACHED"
        self.done: int | None = None
        self.total: int | None = None
        self.causes: tuple[Cause, ...] = ()
        self.lines: deque[str] = deque(maxlen=_LAST_LINES)

    @property
    def is_step(self) -> bool:
        """Whether it is a step of a build."""
        return bool(self.digest)

    @property
    def is_cached(self) -> bool:
        """Whether its result was there already."""
        return self.state == CACHED

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self.began is not None and self.ended is None

    def seconds(self, now: float) -> float:
        """How long it has been under way, or took."""
        return 0.0 if self.began is None else (now if self.ended is None else self.ended) - self.began


class Board:
    """The rows in the order in which they began. `clock` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, Row] = {}
        self._begun: dict[str, Row] = {}
        self.began = clock()

    @property
    def now(self) -> float:
        """The clock's time."""
        return self._clock()

    def rows(self) -> list[Row]:
        """What has begun."""
        return list(self._begun.values())

    def steps(self) -> list[Row]:
        """Every step that is known of, begun or not."""
        return [row for row in self._known.values() if row.is_step]

    def hear(self, event: Event) -> Row | None:
        """Take an event in. The row that it is about, None for words about the whole."""
        if isinstance(event, Settled) or (isinstance(event, Said) and event.id not in self._known):
            return None
        row = self._row(event)
        if isinstance(event, Planned):
            row.digest, row.inputs = event.digest, event.inputs
        elif isinstance(event, Started):
            self._begin(row)
            row.text, row.total = event.text, event.total
        elif isinstance(event, Advanced):
            self._begin(row)
            row.done, row.total, row.state = event.done, event.total, event.text or row.state
        elif isinstance(event, Said):
            row.lines.append(event.text)
        elif isinstance(event, Explained):
            row.causes = event.causes
        else:
            self._end(row, event)
        return row

    def _row(self, event: Event) -> Row:
        if event.id not in self._known:
            self._known[event.id] = Row(event.id, "" if isinstance(event, Explained) else event.text)
        return self._known[event.id]

    def _begin(self, row: Row) -> None:
        if row.began is None:
            row.began = self._clock()
        row.ended = None
        self._begun[row.id] = row

    def _end(self, row: Row, event: Finished | Failed) -> None:
        self._begin(row)
        row.ended = self._clock()
        row.failed = isinstance(event, Failed)
        row.state = event.text
