"""One stream of events, three renderings: bars on a terminal, plain lines elsewhere, JSON lines on request."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from capas.cli.causes import is_news, say_causes
from capas.cli.listener import Progress
from capas.errors import Invalid
from capas.events import Advanced, Event, Explained, Failed, Finished, Planned, Said, Started, ignore

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

MODES = ("auto", "plain", "tty", "json", "quiet")
Words = Callable[..., str]


def open_progress(mode: str, *, quiet: bool, words: Words) -> Progress:
    """The renderer for `mode`; "auto" is bars where standard error is a terminal, else plain lines."""
    if mode not in MODES:
        raise Invalid("there is no progress mode {mode!r}", mode=mode, hint="choose one of: " + ", ".join(MODES))
    if quiet or mode == "quiet":
        return Progress(ignore, lambda: None)
    if mode == "json":
        return Progress(_json, lambda: None)
    if mode == "tty" or (mode == "auto" and sys.stderr.isatty()):
        bars = _Terminal(words)
        return Progress(bars.report, bars.close)
    return Progress(_Plain(words).report, lambda: None)


def _json(event: Event) -> None:
    from capas.cli.template_functions import to_json

    click.echo(to_json({"event": type(event).__name__.lower(), **event._asdict()}), err=True)


class _Plain:
    """A line when something starts, speaks or ends; no line for every block of bytes."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._lock = threading.Lock()

    def report(self, event: Event) -> None:
        if isinstance(event, Advanced | Planned):
            return
        if isinstance(event, Explained):
            if not is_news(event.causes):
                return
            text = say_causes(event.causes, self._words)
            event = Said(self._words("because {why}", why=text), event.id, "err")
        text = event.text if isinstance(event, Said) and event.stream else self._words(event.text)
        with self._lock:
            click.echo(f"{event.id}: {text}" if event.id else text, err=True)


class _Terminal:
    """A row for each thing that moves, with a bar while its size is known."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._bars: Bars | None = None
        self._rows: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def report(self, event: Event) -> None:
        if isinstance(event, Explained | Planned):
            return
        with self._lock:
            bars = self._bars = self._bars or _open_bars()
            if isinstance(event, Said):
                prefix = f"{event.id}: " if event.id else ""
                bars.console.print(prefix + event.text, markup=False, highlight=False, soft_wrap=True)
                return
            row = self._row(bars, event.id)
            if isinstance(event, Started):
                bars.update(row, phase=self._words(event.text), total=event.total, completed=0)
            elif isinstance(event, Advanced):
                bars.update(row, completed=event.done, total=event.total)
                if event.text:
                    bars.update(row, phase=self._words(event.text))
            else:
                self._end(bars, row, event)

    def _end(self, bars: Bars, row: TaskID, event: Finished | Failed) -> None:
        total = bars.tasks[bars.task_ids.index(row)].total or 1
        bars.update(row, phase=self._words(event.text), total=total, completed=total)
        bars.stop_task(row)

    def _row(self, bars: Bars, id: str) -> TaskID:
        if id not in self._rows:
            self._rows[id] = bars.add_task(id, total=None, phase="")
        return self._rows[id]

    def close(self) -> None:
        with self._lock:
            if self._bars is not None:
                self._bars.stop()


def _open_bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[phase]}", markup=False),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    bars = Progress(*columns, console=Console(stderr=True), refresh_per_second=10)
    bars.start()
    return bars
