"""The garbage collector of a running hub: now and then, in one process of all that serve it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from capas.errors import CapasError
from capas.hub.hub import Hub
from capas.hub.keeping.collect import collect
from capas.hub.people.audit import prune
from capas.hub.records.turns import take_turn
from capas.hub.spans import SECOND_NS
from capas.hub.watch.board import Board

_LOOKS = 4  # in the time between two collections: how late another process notices that one has died


class Collecting:
    """A thread that collects. Whichever process or machine comes first has the turn; the others wait for the next."""

    def __init__(self, hub: Hub, board: Board, every_seconds: float) -> None:
        self._hub = hub
        self._board = board
        self._every = every_seconds
        self._ended = threading.Event()
        self._log = logging.getLogger("capas.hub")
        self._thread = threading.Thread(target=self._run, name="collect", daemon=True)

    def start(self) -> Callable[[], None]:
        """Begin; what is returned ends it, after the batch under way."""
        if self._every > 0:
            self._thread.start()
        return self.close

    def close(self) -> None:
        """End."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every / _LOOKS):
            try:
                if take_turn(self._hub.database, "collect", self._hub.now_ns(), int(self._every * SECOND_NS)):
                    self._collect()
            except CapasError as error:
                self._log.warning("nothing is collected now: %s", error)

    def _collect(self) -> None:
        began = time.monotonic()
        found = collect(self._hub, is_over=self._ended.is_set)
        prune_audit(self._hub)
        self._board.add("collections", 1)
        self._board.add("collected_blobs", found.blobs)
        self._board.add("collected_bytes", found.size)
        self._board.add("collect_seconds", time.monotonic() - began)
        self._log.info("collected %d blobs, %d bytes, %d links, %d uploads", *found)


def prune_audit(hub: Hub) -> int:
    """Forget the entries of the audit log that are older than the keeper wants; how many."""
    days = hub.options.audit_days
    return prune(hub.database, hub.now_ns() - days * 24 * 3600 * SECOND_NS) if days > 0 else 0
