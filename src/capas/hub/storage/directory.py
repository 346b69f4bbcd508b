"""Blobs in a directory of this machine: each is a file that the server sends by itself."""

from __future__ import annotations

from pathlib import Path

from capas.errors import NotFound
from capas.oci.digest import Digest
from capas.store.blobs import DirectoryBlobs
from capas.store.ingest import DirectoryIngest


class DirectoryStorage(DirectoryBlobs):
    """The `Storage` of a hub on one machine."""

    near = True

    def place(self, digest: Digest) -> Path:
        """The file, which is there if the blob is."""
        return self.path(digest)

    def ingest(self, name: str, *, begun: bool = False) -> DirectoryIngest:
        """As the contract says. Raises: NotFound, Conflict, Exhausted."""
        if begun and not self.has_ingest(name):
            raise NotFound("nobody began the write {name}", name=name)
        return super().ingest(name)
