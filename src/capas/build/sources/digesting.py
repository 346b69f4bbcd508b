"""A body whose digest is known once it has been read."""

from __future__ import annotations

from hashlib import sha256
from typing import BinaryIO

from capas.store.contract import Readable


class Digesting:
    """A body that is digested as it is read: the key of what was written, whatever was there a moment before."""

    def __init__(self, body: BinaryIO | Readable) -> None:
        self._body = body
        self._running = sha256()

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        data = self._body.read(size)
        self._running.update(data)
        return data

    def hexdigest(self) -> str:
        """The digest of what has been read."""
        return self._running.hexdigest()
