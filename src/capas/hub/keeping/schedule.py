"""What the hub does by itself while it serves, now and then."""

from __future__ import annotations

import logging
import threading

import msgspec

from capas.errors import CapasError
from capas.hub.hub import Hub
from capas.hub.keeping.retention import sweep_due

_LOOK_SECONDS = 600.0
_FIRST_SECONDS = 30.0  # a hub that is started for a moment does nothing of the kind


class RetentionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each policy of retention is kept to, in hours; 0: only when somebody asks for it."""

    every_hours: int = 24


class Schedule:
    """A thread that looks, every ten minutes, whether something is due. Of several processes one does each thing."""

    def __init__(self, hub: Hub, config: RetentionConfig) -> None:
        self._hub = hub
        self._config = config
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = logging.getLogger("capas.hub")

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after what is under way."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def work(self) -> None:
        """Do what is due."""
        for name in sweep_due(self._hub, self._config.every_hours):
            self._log.info("retention: something went from %s", name)

    def _run(self) -> None:
        wait = _FIRST_SECONDS
        while not self._ended.wait(wait):
            wait = _LOOK_SECONDS
            try:
                self.work()
            except CapasError as error:
                self._log.warning("schedule: %s", error)
            except Exception:
                self._log.exception("schedule")
