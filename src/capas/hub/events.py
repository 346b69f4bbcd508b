"""What happens in the hub, told once: `hub.tell(Happened(…))`, heard by whoever called `Events.listen`.

Telling puts the event down in memory and returns: no request waits for a listener. A thread hands over what has
gathered, in order, a batch at a time. So an event is told when what it says is on disk, and what must survive a
crash of the process (a delivery that is owed) is written in that same transaction, not by a listener.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

Kind = Literal["push", "pull", "untag", "delete", "repository.delete"]

_GATHER_SECONDS = 0.05  # a listener is woken at most so often, whatever the rate of pulls
_MOST_WAITING = 100_000  # events in memory; beyond that pulls are dropped, changes never


class Happened(NamedTuple):
    """Something that has happened, and is on disk.

    push: a manifest was taken in, under the tag `reference` or, where that is empty, by digest alone.
    pull: a manifest was sent to a client (GET, not HEAD), asked for by the tag `reference` or by digest.
    untag: the tag `reference`, which pointed at `digest`, is gone.
    delete: a manifest is gone; the tags that went with it are told before it.
    repository.delete: of the whole repository; its tags and manifests are not told one by one.
    """

    kind: Kind
    repository: str
    reference: str = ""
    digest: str = ""
    actor: str = ""  # a login name, `namespace+robot`, or empty: anybody
    at_ns: int = 0


Listener = Callable[[Sequence[Happened]], None]


class Events:
    """Events of one process. A listener that fails is logged, and hears the next batch all the same."""

    def __init__(self) -> None:
        self._waiting: deque[Happened] = deque()
        self._listeners: list[Listener] = []
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = logging.getLogger("capas.hub")

    def listen(self, listener: Listener) -> None:
        """Hear of everything from now on, in a thread of ours, where it may write to the records."""
        self._listeners.append(listener)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="events", daemon=True)
            self._thread.start()

    def tell(self, event: Happened) -> None:
        """Put it down for the listeners. Never blocks, never fails; any thread may."""
        if self._listeners and (event.kind != "pull" or len(self._waiting) < _MOST_WAITING):
            self._waiting.append(event)
            if not self._wake.is_set():
                self._wake.set()

    def close(self) -> None:
        """Hand over what still waits, and end."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.wait()
            self._ended.wait(_GATHER_SECONDS)
            self._wake.clear()
            self._hand_over()
        self._hand_over()

    def _hand_over(self) -> None:
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        for listener in self._listeners if batch else ():
            began = time.monotonic()
            try:
                listener(batch)
            except Exception:
                self._log.exception("a listener failed after %.1f s on %d events", time.monotonic() - began, len(batch))
