"""Blobs as they are asked for: those that are not kept are made or fetched again."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from capas.errors import NotFound
from capas.layer.files import LayerFiles
from capas.oci.digest import Digest
from capas.store.contract import BlobStore
from capas.store.records import Records, SparedRecord

if TYPE_CHECKING:
    from capas.image.spared import Fetch


class SparingBlobs:
    """A `BlobStore` in which spared blobs are there as long as their layer files are."""

    def __init__(self, kept: BlobStore, records: Records, files: LayerFiles, fetch: Fetch) -> None:
        self._kept = kept
        self._records = records
        self._files = files
        self._fetch = fetch
        self.ingest = kept.ingest
        self.delete = kept.delete
        self.iterate = kept.iterate

    def open(self, digest: Digest) -> BinaryIO:
        """The blob, put back on disk where it was spared. Raises: NotFound; Unavailable; Corrupt."""
        while True:  # once, unless another process spares it again before we have it open
            try:
                return self._kept.open(digest)
            except NotFound:
                spared = self._find(digest)
                if spared is None:
                    raise
            from capas.image.spared import restore

            restore(self._kept, spared, self._files, self._fetch)

    def contains(self, digest: Digest) -> bool:
        """Whether it is here, or spared."""
        return self.stat(digest) is not None

    def stat(self, digest: Digest) -> int | None:
        """Its size, whether it is here or spared."""
        size = self._kept.stat(digest)
        if size is not None:
            return size
        spared = self._find(digest)
        return spared.size if spared else None

    def _find(self, digest: Digest) -> SparedRecord | None:
        spared = self._records.find_spared(digest)
        return spared if spared is not None and self._files.has(spared.diff_id) else None
