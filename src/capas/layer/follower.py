"""A second thread that follows the first: it takes chunks in order, a few behind whoever makes them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType

_QUEUED = 4  # chunks between the threads: enough to keep both busy, little enough to keep memory flat


class Follower:
    """Calls `work` with each chunk in a thread of its own. Use it as a block, and `finish` before its work is used."""

    def __init__(self, work: Callable[[bytes | bytearray], object]) -> None:
        self._work = work
        self._queue: queue.Queue[bytes | bytearray | None] = queue.Queue(_QUEUED)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def put(self, chunk: bytes | bytearray) -> None:
        """Hand a chunk over. Raises: what went wrong with an earlier one."""
        self._queue.put(chunk)
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Wait until everything is done. Raises: what went wrong."""
        self.stop()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the thread. Idempotent."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def __enter__(self) -> Follower:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        while (chunk := self._queue.get()) is not None:
            if self._error is None:  # after a failure the queue is only emptied, so that nobody waits for a place
                try:
                    self._work(chunk)
                except BaseException as error:
                    self._error = error
