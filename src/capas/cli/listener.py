"""A listener for events, as the verbs use it."""

from __future__ import annotations

from collections.abc import Callable

from capas.events import Report


class Progress:
    """A renderer of events: `report` hears them, `close` leaves the terminal tidy."""

    def __init__(self, report: Report, close: Callable[[], None]) -> None:
        self.report = report
        self._close = close

    def __enter__(self) -> Report:
        return self.report

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal tidy, before the block ends. Idempotent."""
        self._close()
