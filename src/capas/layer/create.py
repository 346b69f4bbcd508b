"""A new layer: tar → diff_id → compress → digest → ingest, every byte touched once, on two threads.

Where layers are kept as files, the same pass writes the tar into one: the layer is at once stored and mountable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from capas.layer.compression import Kind, compressor
from capas.layer.entry import Entry
from capas.layer.files import LayerFiles
from capas.layer.follower import Follower
from capas.layer.writer import TarWriter
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID
from capas.store.contract import BlobStore
from capas.store.put import fresh_ingest

if TYPE_CHECKING:
    from capas.layer.erofs.writer import LayerFileWriter

_CHUNK = 1 << 20


class NewLayer(NamedTuple):
    """A layer just made. `uncompressed_size` is the tar's length in bytes."""

    descriptor: Descriptor
    diff_id: DiffID
    uncompressed_size: int


class LayerBlob:
    """A layer under way: add entries to `tar`, then `commit()`. Leaving the block without it leaves nothing.

    Building the tar and hashing it happen in the caller's thread, compressing and storing in one of its own.
    """

    def __init__(
        self,
        blobs: BlobStore,
        files: LayerFiles | None = None,
        *,
        compression: Kind = "gzip",
        level: int | None = None,
        name: str,
    ) -> None:
        self._compression: Kind = compression
        self._ingest = fresh_ingest(blobs, name)
        self._kept: _Hashed | LayerFileWriter = files.begin() if files else _Hashed()
        self._pending = bytearray()
        self._compressor = compressor(compression, level)
        self._packer = Follower(lambda chunk: self._ingest.write(self._compressor.write(chunk)))
        self.tar = TarWriter(self._write, self._kept.add)

    def commit(self) -> NewLayer:
        """End the tar and make the blob visible. Atomic. Raises: Exhausted."""
        self.tar.finish()
        self._pass_on()
        self._packer.finish()
        self._ingest.write(self._compressor.finish())
        digest, size = self._ingest.digest, self._ingest.offset
        self._ingest.commit(digest, size)
        descriptor = Descriptor(media_type=media.layer_type(self._compression), digest=digest, size=size)
        return NewLayer(descriptor, self._kept.commit(), self._kept.size)

    def __enter__(self) -> LayerBlob:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._packer.stop()
        self._ingest.abort()
        self._kept.close()

    def _write(self, data: bytes | bytearray | memoryview) -> None:
        self._pending += data
        if len(self._pending) >= _CHUNK:
            self._pass_on()

    def _pass_on(self) -> None:
        chunk, self._pending = self._pending, bytearray()
        if chunk:
            self._kept.write(chunk)
            self._packer.put(chunk)


class _Hashed:
    """Stands for a layer file where there is to be none: the tar is only hashed."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self.size = 0
        self.add: Callable[[Entry], object] | None = None

    def write(self, data: bytes | bytearray) -> None:
        """The next bytes of the tar."""
        self._sha256.update(data)
        self.size += len(data)

    def commit(self) -> DiffID:
        """What it is."""
        return DiffID.of_hash(self._sha256)

    def close(self) -> None:
        """Nothing to let go of."""
