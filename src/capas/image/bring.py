"""An image of another place of bytes, brought into the store: every blob verified, every layer against its diff_id."""

from __future__ import annotations

from capas.errors import Corrupt
from capas.image.image import Image
from capas.image.record import describe_layer
from capas.layer.entry import Layer
from capas.oci.descriptor import Descriptor
from capas.store.contract import BlobSource, BlobStore
from capas.store.put import put, take_turn
from capas.store.store import Store

_CHUNK = 1 << 20


def bring(image: Image, store: Store, blobs: BlobStore) -> Image:
    """The same image out of `store`, its blobs copied where they are missing. `blobs` are the store's, under a lease.

    Raises: NotFound for a blob that is not there; Corrupt for one that is not what it is called; Exhausted.
    """
    for descriptor in (image.manifest.config, *image.manifest.layers):
        _copy(image.source, blobs, descriptor)
    put(blobs, image.manifest_bytes)
    brought = Image(blobs, image.manifest_bytes, image.media_type)
    for layer in brought.layers:
        describe_layer(store, layer)
    return brought


def bring_layer(source: BlobSource, layer: Layer, store: Store, blobs: BlobStore) -> None:
    """One layer. Raises: NotFound; Corrupt, and nothing of it stays; Exhausted."""
    _copy(source, blobs, layer.descriptor)
    try:
        describe_layer(store, layer)
    except Corrupt:
        store.discard([layer.descriptor.digest])
        raise


def _copy(source: BlobSource, blobs: BlobStore, descriptor: Descriptor) -> None:
    ingest = take_turn(blobs, descriptor.digest, descriptor.size)
    if ingest is None:
        return
    with ingest, source.open(descriptor.digest) as file:
        file.seek(ingest.offset)
        while data := file.read(_CHUNK):
            ingest.write(data)
        ingest.commit(descriptor.digest, descriptor.size)
