"""A layer's tar on its way in: hashed as it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from capas.errors import Corrupt
from capas.oci.digest import DiffID
from capas.store.contract import Readable

_CHUNK = 1 << 20


class Hashed:
    """The stream, which whoever reads it must `finish`. Each piece read is also handed to `keep`."""

    def __init__(self, tar: Readable, keep: Callable[[bytes], object] | None = None) -> None:
        self._tar = tar
        self._keep = keep
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """As the stream."""
        data = self._tar.read(size)
        self._sha256.update(data)
        if self._keep is not None:
            self._keep(data)
        return data

    def finish(self, diff_id: DiffID) -> None:
        """Read the rest and compare. Raises: Corrupt."""
        while self.read(_CHUNK):
            pass
        actual = DiffID.of_hash(self._sha256)
        if actual != diff_id:
            raise Corrupt("a layer's bytes are those of {actual} and not of {diff_id}", actual=actual, diff_id=diff_id)
