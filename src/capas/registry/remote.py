"""A repository as a source of blobs, so that an Image can be looked at where it is, without pulling it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from capas.errors import NotFound
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest

if TYPE_CHECKING:
    from capas.registry.blobs_down import BlobStream
    from capas.registry.client import Repository


class RemoteSource:
    """A `BlobSource` over a repository: manifests and blobs alike, each verified as it is read."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def open(self, digest: Digest) -> BinaryIO:
        """The blob or manifest from its first byte. Raises: NotFound; Unavailable; Corrupt."""
        size = self._repository.stat_blob(digest)
        if size is None:
            return io.BytesIO(self._repository.get_manifest(digest).data)
        descriptor = Descriptor(media_type="application/octet-stream", digest=digest, size=size)
        return cast(BinaryIO, io.BufferedReader(_Raw(self._repository.open_blob(descriptor)), 256 << 10))

    def contains(self, digest: Digest) -> bool:
        """Whether `open` would find it."""
        if self._repository.stat_blob(digest) is not None:
            return True
        try:
            self._repository.head_manifest(digest)
        except NotFound:
            return False
        return True


class _Raw(io.RawIOBase):
    """A stream as Python's own kind of file."""

    def __init__(self, stream: BlobStream) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
