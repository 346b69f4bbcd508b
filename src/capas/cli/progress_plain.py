"""Progress as plain lines, for logs: steps of a build under numbers, as BuildKit prints them, in its words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import click

from capas.cli.board import Board, Row
from capas.cli.causes import Words, is_news, say_causes
from capas.errors import Told
from capas.events import Advanced, Event, Explained, Planned, Said, Settled, Started


class PlainProgress:
    """A line when something starts, speaks or ends; no line for every block of bytes."""

    def __init__(self, words: Words, clock: Callable[[], float] = time.monotonic) -> None:
        self.words = words
        self._board = Board(clock)
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def report(self, event: Event) -> None:
        """Print what is to be said of it."""
        with self._lock:
            row = self._board.hear(event)
            line = self._step(event, row) if row is not None and row.is_step else self._other(event)
            if line:
                click.echo(line, err=True)

    def close(self) -> None:
        """Nothing to tidy."""

    def _step(self, event: Event, row: Row) -> str:
        if isinstance(event, Planned | Advanced):
            return ""
        number = f"#{self._numbers.setdefault(row.id, len(self._numbers) + 1)}"
        if isinstance(event, Started):
            return f"{number} [{row.id}] {' '.join(event.text.split())}"
        if isinstance(event, Said):
            text = self.words(event.text) if isinstance(event.text, Told) else event.text
            return f"{number} {row.seconds(self._board.now):.3f} {text}"
        if isinstance(event, Explained):
            why = say_causes(event.causes, self.words) if is_news(event.causes) else ""
            return f"{number} {self.words('because {why}', why=why)}" if why else ""
        return f"{number} {event.text}"

    def _other(self, event: Event) -> str:
        if isinstance(event, Advanced | Planned | Explained | Settled):
            return ""
        own = isinstance(event, Said) and event.stream == "out"  # a process's own words are not ours to translate
        text = event.text if own else self.words(event.text)
        return f"{event.id}: {text}" if event.id else text
