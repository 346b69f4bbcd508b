"""Progress in docker's words: one JSON object a line, with `progressDetail` and a drawn bar."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from capas.dockerapi.stream import Emit
from capas.dockerapi.wording import exit_code_in, message_of
from capas.errors import CapasError
from capas.events import Advanced, Event, Failed, Finished, Said, Started

_WIDTH = 50


class Progress:
    """Renders events; many threads may report at once."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._whole: set[str] = set()

    def report(self, event: Event) -> None:
        """One line, or none."""
        with self._lock:
            for line in self._lines(event):
                self.send(line)

    def say(self, text: str) -> None:
        """A status line of its own."""
        self.send({"status": text})

    def send(self, line: dict[str, object]) -> None:
        """Any object."""
        self._emit(msgspec.json.encode(line) + b"\r\n")

    def _lines(self, event: Event) -> list[dict[str, object]]:
        if isinstance(event, Said):
            return [{"status": str(event.text), **({"id": event.id} if event.id else {})}]
        if isinstance(event, Started):
            return [{"status": str(event.text), "progressDetail": {}, "id": event.id}]
        if isinstance(event, Advanced):
            return self._advance(event)
        if isinstance(event, Finished):
            return [{"status": str(event.text), "progressDetail": {}, "id": event.id}]
        if isinstance(event, Failed):
            return [{"status": "Download failed", "progressDetail": {}, "id": event.id}]
        return []

    def _advance(self, event: Advanced) -> list[dict[str, object]]:
        word = event.text or "Working"
        if event.total and event.done >= event.total:
            if event.id in self._whole or word != "Downloading":
                return []
            self._whole.add(event.id)
            words = ("Verifying Checksum", "Download complete")
            return [{"status": text, "progressDetail": {}, "id": event.id} for text in words]
        detail = {"current": event.done, **({"total": event.total} if event.total else {})}
        bar = draw_bar(event.done, event.total)
        return [{"status": word, "progressDetail": detail, "progress": bar, "id": event.id}]


def draw_bar(done: int, total: int | None) -> str:
    """docker's bar: `[====>      ]  1.2MB/4.5MB`."""
    if not total:
        return human(done)
    filled = min(_WIDTH * done // total, _WIDTH)
    return f"[{'=' * filled}>{' ' * (_WIDTH - filled)}] {human(done):>8}/{human(total)}"


def human(size: float) -> str:
    """Bytes as docker prints them: four digits, decimal units."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.4g}{unit}"
        size /= 1000
    return ""


def told(work: Callable[[Progress], None], emit: Emit) -> None:
    """Do the work with progress. What it raises after the first line is told in the stream, as docker does."""
    begun = False

    def note(data: bytes) -> None:
        nonlocal begun
        emit(data)
        begun = True

    progress = Progress(note)
    try:
        work(progress)
    except CapasError as error:
        if not begun:
            raise
        message, code = message_of(error), exit_code_in(error)
        progress.send({"errorDetail": {"message": message, **({"code": code} if code else {})}, "error": message})
