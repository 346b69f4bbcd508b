"""How fast bytes moved: what pulls and pushes took, kept by registry for the next plan."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Literal
from urllib.parse import quote

from capas.events import Advanced, Event, Report

Direction = Literal["pull", "push"]

_WORTH = 1 << 20  # of fewer bytes the time is that of the conversation
_MOVING = ("Downloading", "Pushing")


class Meter:
    """A block in which bytes move to or from a registry. What it is told it tells on; at its end the rate is kept."""

    def __init__(self, root: Path, direction: Direction, domain: str, report: Report) -> None:
        self._path = _path(root, direction, domain)
        self._report = report
        self._moved: dict[str, int] = {}
        self._began = 0.0

    def report(self, event: Event) -> None:
        """Hear of an event, and pass it on."""
        if isinstance(event, Advanced) and event.text in _MOVING:
            self._moved[event.id] = event.done
        self._report(event)

    def __enter__(self) -> Meter:
        self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.monotonic() - self._began
        moved = sum(self._moved.values())
        if moved >= _WORTH and seconds > 0:
            with contextlib.suppress(OSError):  # a plan can do without it
                self._keep(moved / seconds)

    def _keep(self, rate: float) -> None:
        """Half of it is what was known: one slow evening is soon forgotten."""
        known = _read(self._path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(f".{os.getpid()}")
        fresh.write_text(str(round(rate if known is None else (rate + known) / 2)))
        fresh.replace(self._path)


def find_rate(root: Path, direction: Direction, domain: str) -> int | None:
    """Bytes a second, as earlier pulls from this registry (or pushes to it) had them; None where there were none."""
    return _read(_path(root, direction, domain))


def _path(root: Path, direction: Direction, domain: str) -> Path:
    return root / "cache" / "rates" / direction / quote(domain, safe="")


def _read(path: Path) -> int | None:
    try:
        return max(int(path.read_text()), 1)
    except (OSError, ValueError):
        return None
