"""Progress as JSON lines: one object a line, in the form of BuildKit's SolveStatus. See docs/progress.md."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

import click

from capas.cli.board import Board, Row
from capas.cli.template_functions import to_json
from capas.events import Advanced, Event, Explained, Failed, Finished, Planned, Said, Started
from capas.image.created import format_created

_STREAMS = {"out": 1, "err": 2}
_LEVEL = 1


class JsonProgress:
    """Vertexes, statuses, logs and warnings. `now_ns` gives nanoseconds since 1970."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._board = Board(time.monotonic)
        self._started: dict[str, str] = {}
        self._lock = threading.Lock()

    def report(self, event: Event) -> None:
        """Print one line."""
        with self._lock:
            now = format_created(self._now_ns())
            row = self._board.hear(event)
            if row is None:
                line = _words(event, now) if isinstance(event, Said) else {}
            elif row.is_step:
                line = self._step(event, row, now)
            else:
                line = self._other(event, row, now)
            if line:
                click.echo(to_json(line), err=True)

    def close(self) -> None:
        """Nothing to tidy."""

    def _step(self, event: Event, row: Row, now: str) -> dict[str, object]:
        if isinstance(event, Said):
            return _log(row.digest, event, now)
        if isinstance(event, Advanced):
            return {"statuses": [{**_status(row, now), "vertex": row.digest}]}
        vertex: dict[str, object] = {"digest": row.digest, "name": f"[{row.id}] {row.text}"}
        if row.inputs:
            vertex["inputs"] = list(row.inputs)
        if isinstance(event, Started):
            self._started[row.id] = now
        if row.id in self._started:
            vertex["started"] = self._started[row.id]
        if isinstance(event, Finished | Failed):
            vertex["completed"] = now
            if row.is_cached:
                vertex["cached"] = True
            if isinstance(event, Failed):
                vertex["error"] = event.text
        if isinstance(event, Explained):
            vertex["causes"] = [cause._asdict() for cause in event.causes]
        return {"vertexes": [vertex]}

    def _other(self, event: Event, row: Row, now: str) -> dict[str, object]:
        """What moves beside the steps (layers that are pulled): a status, of a vertex that is made of its name."""
        if isinstance(event, Planned | Explained):
            return {}
        vertex = _digest_of(row.id)
        if isinstance(event, Said):
            return _log(vertex, event, now)
        status = {**_status(row, now), "vertex": vertex}
        started = self._started.setdefault(row.id, now)
        status["started"] = started
        if isinstance(event, Finished | Failed):
            status["completed"] = now
        return {"statuses": [status]}


def _status(row: Row, now: str) -> dict[str, object]:
    found: dict[str, object] = {"id": row.id, "name": row.state or row.text, "timestamp": now}
    if row.done is not None or row.total is not None:
        found |= {"current": row.done or 0, "total": row.total or 0}
    return found


def _log(vertex: str, event: Said, now: str) -> dict[str, object]:
    data = b64encode(f"{event.text}\n".encode(errors="surrogateescape")).decode()
    return {"logs": [{"vertex": vertex, "stream": _STREAMS.get(event.stream, 1), "data": data, "timestamp": now}]}


def _words(event: Said, now: str) -> dict[str, object]:
    if event.stream == "err":
        return {"warnings": [{"vertex": "", "level": _LEVEL, "short": b64encode(event.text.encode()).decode()}]}
    return _log(_digest_of(event.id), event, now)


def _digest_of(name: str) -> str:
    return f"sha256:{sha256(name.encode()).hexdigest()}"
