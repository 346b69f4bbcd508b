"""Documents read from a source of blobs: bounded, and verified before anyone looks at them."""

from __future__ import annotations

import hashlib

from capas.errors import Corrupt
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES
from capas.store.contract import BlobSource, Readable


def read_document(source: BlobSource, digest: Digest, *, size: int | None = None, what: str = "document") -> bytes:
    """The bytes of a manifest, index or config, exactly as they are stored.

    Raises: NotFound; Corrupt for more than 4 MiB, another size than said, or another digest.
    """
    with source.open(digest) as file:
        data = _read(file, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Corrupt("{what} {digest} is longer than {limit} bytes", what=what, digest=digest, limit=MAX_BYTES)
    if size is not None and len(data) != size:
        raise Corrupt(
            "{what} {digest} should have {expected} bytes and has {size}",
            what=what, digest=digest, expected=size, size=len(data),
        )  # fmt: skip
    if Digest.of(data) != digest:
        raise Corrupt("{what} {digest} has other bytes: damaged or forged", what=what, digest=digest)
    return data


def _read(file: Readable, limit: int) -> bytes:
    parts: list[bytes] = []
    while limit > 0 and (part := file.read(limit)):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


class Verified:
    """A blob as a stream that ends in an error if its bytes are not those of `digest`, `size` bytes long."""

    def __init__(self, file: Readable, digest: Digest, size: int) -> None:
        self._file = file
        self._digest = digest
        self._left = size
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes. Raises: Corrupt with the last of them, or where they end too soon."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._sha256.update(data)
        self._left -= len(data)
        short = not data and size != 0 and self._left > 0
        if short or (self._left == 0 and Digest.of_hash(self._sha256) != self._digest):
            raise Corrupt("blob {digest} is damaged", digest=self._digest, hint="`capas system check` tells more")
        return data
