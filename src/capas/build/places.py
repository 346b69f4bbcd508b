"""Where bases and caches lie: a repository or a directory. Documents are read at once, layers when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from capas.build.lazy import Bring, LazyBlobs
from capas.events import Report
from capas.image.bring import bring_layer
from capas.image.layout import Layout
from capas.image.reading import read_document
from capas.layer.compression import decompress
from capas.layer.entry import Layer, LayerReceiver
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.reference import Reference
from capas.registry.arrival import Arrival, Here, announce
from capas.registry.client import Client
from capas.store.contract import BlobSource
from capas.store.store import Store


class Place(Protocol):
    """A place of images and caches."""

    def get_top(self) -> tuple[bytes, str]:
        """The manifest or index that the place was opened for, and its media type ("" where it is not said).

        Raises: NotFound; Unavailable; Denied; Unauthenticated; Corrupt.
        """

    def get_manifest(self, descriptor: Descriptor) -> bytes:
        """A manifest by digest, verified. Raises: as `get_top`."""

    def read(self, descriptor: Descriptor) -> bytes:
        """A document that is a blob, verified. Raises: as `get_top`."""

    def expect(self, layers: Iterable[Layer], blobs: LazyBlobs) -> None:
        """Let these layers be brought from here, each when it is first needed."""


class RepositoryPlace:
    """A repository of a registry."""

    def __init__(
        self, client: Client, reference: Reference, store: Store, *, check: Callable[[], None], report: Report
    ) -> None:
        self.reference = reference
        self._repository = client.repository(reference)
        self._store = store
        self._check = check
        self._report = report

    def get_top(self) -> tuple[bytes, str]:
        """What the reference names."""
        found = self._repository.get_manifest(str(self.reference.digest or self.reference.tag))
        return found.data, found.media_type

    def get_manifest(self, descriptor: Descriptor) -> bytes:
        """By digest."""
        return self._repository.get_manifest(descriptor.digest).data

    def read(self, descriptor: Descriptor) -> bytes:
        """A blob, whole."""
        return self._repository.read_blob(descriptor)

    def expect(self, layers: Iterable[Layer], blobs: LazyBlobs) -> None:
        """From this repository; another one of the registry can mount them from here."""
        where = (self._repository.domain, self._repository.path)
        for layer in layers:
            blobs.expect(layer, self._bringer(layer, blobs), where)

    def _bringer(self, layer: Layer, blobs: LazyBlobs) -> Bring:
        def bring(receiver: LayerReceiver | None) -> None:
            arrival = Arrival(
                self._repository, Here(blobs, self._store.records, receiver), check=self._check, report=self._report
            )
            announce(layer, self._report)
            arrival.bring(layer)
            for record in arrival.records:
                self._store.records.put_layer(record)

        return bring


class BlobsPlace:
    """Any place of blobs, opened for a digest."""

    def __init__(self, source: BlobSource, store: Store, digest: Digest) -> None:
        self._source = source
        self._store = store
        self._digest = digest

    def get_top(self) -> tuple[bytes, str]:
        """What the digest names."""
        return read_document(self._source, self._digest, what="manifest"), ""

    def get_manifest(self, descriptor: Descriptor) -> bytes:
        """By digest."""
        return read_document(self._source, descriptor.digest, what="manifest")

    def read(self, descriptor: Descriptor) -> bytes:
        """A blob, whole."""
        return read_document(self._source, descriptor.digest, size=descriptor.size)

    def expect(self, layers: Iterable[Layer], blobs: LazyBlobs) -> None:
        """From here."""
        for layer in layers:
            blobs.expect(layer, self._bringer(layer, blobs))

    def _bringer(self, layer: Layer, blobs: LazyBlobs) -> Bring:
        def bring(receiver: LayerReceiver | None) -> None:
            bring_layer(self._source, layer, self._store, blobs)
            if receiver is not None:
                with blobs.open(layer.descriptor.digest) as blob:
                    receiver.add_layer(layer.diff_id, decompress(blob))

        return bring


class LayoutPlace(BlobsPlace):
    """A directory that is an OCI layout, opened for a tag or a digest."""

    def __init__(self, path: Path, store: Store, *, tag: str, digest: Digest | None = None) -> None:
        """Raises: NotFound; Corrupt."""
        layout = Layout(path)
        super().__init__(layout, store, digest or layout.find_entry(tag).digest)
