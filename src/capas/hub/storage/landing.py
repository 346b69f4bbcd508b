"""Where bytes land that are read by others while they come: a directory of this machine, whatever the storage is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from capas import chance
from capas.hub.storage.contract import Storage
from capas.hub.storage.directory import DirectoryStorage
from capas.oci.digest import Digest
from capas.store.blobs import DirectoryBlobs

_PIECE = 1 << 20


class Landing:
    """The storage's own directory, or one of ours under `root` whose blobs go on to the storage once they are whole."""

    def __init__(self, storage: Storage, root: Path) -> None:
        self._storage = storage
        self.blobs: DirectoryBlobs = (
            cast(DirectoryStorage, storage) if storage.near else DirectoryBlobs(root / "landing")
        )

    def keep(self, digest: Digest, commit: Callable[[], None]) -> None:
        """Let `commit` make the blob whole here, and see that the storage has it. Raises: what commits raise."""
        commit()
        if self._storage.near or not self.blobs.contains(digest):
            return
        with self.blobs.open(digest) as file, self._storage.ingest(chance.token()) as ingest:
            while data := file.read(_PIECE):
                ingest.write(data)
            ingest.commit(digest)
        self.blobs.delete(digest)
