"""A repository of this hub as a source of blobs: what it holds, its manifests among them, and nothing else."""

from __future__ import annotations

import io
from typing import BinaryIO, NamedTuple

from capas.errors import NotFound
from capas.hub.records.links import Links
from capas.hub.records.manifests import Manifests
from capas.oci.digest import Digest
from capas.store.contract import BlobSource


class Held(NamedTuple):
    """A `BlobSource`. That the store has a blob for somebody else does not count."""

    name: str
    manifests: Manifests
    links: Links
    blobs: BlobSource

    def open(self, digest: Digest) -> BinaryIO:
        """The blob or manifest from its first byte. Raises: NotFound."""
        if self.links.find_link(self.name, digest) is not None:
            return self.blobs.open(digest)
        found = self.manifests.find_manifest(self.name, digest)
        if found is None:
            raise NotFound("{digest} is not in {repository}", digest=digest, repository=self.name)
        return io.BytesIO(found.data)

    def contains(self, digest: Digest) -> bool:
        """Whether `open` would find it."""
        linked = self.links.find_link(self.name, digest) is not None and self.blobs.contains(digest)
        return linked or self.manifests.find_manifest(self.name, digest) is not None
