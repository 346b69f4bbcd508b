"""Reading ahead: one thread fetches, inflates or digests a stream while another works on what it gave."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager

from capas.errors import Interrupted
from capas.parallel import Nursery
from capas.store.contract import Readable

_CHUNK = 1 << 20
_DEPTH = 4  # chunks between the two: 4 MiB
_PATIENCE_SECONDS = 0.2


@contextmanager
def reading_ahead(stream: Readable) -> Iterator[Readable]:
    """A block in which `stream` is read by a thread of its own, a few chunks ahead. Errors come where they would have.

    The stream is not read to its end where the reader stops before it.
    """
    with Nursery(1) as nursery:
        ahead = _Ahead(nursery)
        nursery.start(ahead.fill, stream)
        try:
            yield ahead
        finally:
            ahead.stop()


class _Ahead:
    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._chunks: queue.Queue[bytes | BaseException] = queue.Queue(_DEPTH)
        self._pending = memoryview(b"")
        self._ended = self._stopped = False

    def fill(self, stream: Readable) -> None:
        """The fetching thread: until the end, an error, or nobody reads any more."""
        try:
            while data := stream.read(_CHUNK):
                self._put(data)
            self._put(b"")
        except BaseException as error:  # raised again in the thread that reads
            self._put(error)

    def stop(self) -> None:
        """Nobody reads any more."""
        self._stopped = True

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; empty at the end only. Raises: what the stream raised."""
        if not self._pending:
            chunk = self._next()
            if size < 0 or len(chunk) <= size:
                return chunk
            self._pending = memoryview(chunk)
        size = len(self._pending) if size < 0 else size
        taken, self._pending = bytes(self._pending[:size]), self._pending[size:]
        return taken

    def _next(self) -> bytes:
        if self._ended:
            return b""
        found = self._chunks.get()
        if isinstance(found, BaseException):
            self._ended = True
            raise found
        self._ended = not found
        return found

    def _put(self, item: bytes | BaseException) -> None:
        while not self._stopped:
            self._nursery.check()
            try:
                self._chunks.put(item, timeout=_PATIENCE_SECONDS)
                return
            except queue.Full:
                continue
        if not isinstance(item, BaseException):
            raise Interrupted("cancelled: nobody reads any more")
