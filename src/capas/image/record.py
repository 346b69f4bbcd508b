"""What the store remembers of an image, worked out once, when it comes in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from capas.errors import Corrupt
from capas.image.created import parse_created
from capas.image.image import Image
from capas.image.index import ImageIndex, iter_images, iter_tops
from capas.layer.compression import decompress
from capas.layer.entry import Layer
from capas.oci.digest import DiffID, Digest, ImageID
from capas.reference import Reference
from capas.store.contract import BlobSource
from capas.store.records import ImageRecord, LayerRecord, Records
from capas.store.store import Store

_CHUNK = 1024 * 1024


def record_image(
    store: Store,
    image: Image,
    *,
    reference: Reference | None = None,
    repo_digest: Digest | None = None,
    parent: ImageID | None = None,
) -> ImageRecord:
    """Remember an image whose blobs are in the store; point `reference`'s tag at it where it has one.

    `repo_digest` is the digest that the reference's repository knows it by (of the index, where it came from one).
    Atomic: all of it or nothing. Order: within the lease that holds the blobs.
    Raises: Corrupt where a layer's blob does not inflate to its diff_id (read only if no record of it is there).
    """
    sizes = [describe_layer(store, layer).uncompressed_size for layer in image.layers]
    record = ImageRecord(
        image_id=image.id,
        manifest=image.digest,
        media_type=image.media_type,
        created_ns=parse_created(image.config.created),
        size=sum(sizes),
        platform=image.platform,
        labels=image.config.execution.labels or {},
        parent=parent,
        digests=tuple(dict.fromkeys((image.manifest.config.digest, *(part.digest for part in image.manifest.layers)))),
    )
    with store.records.transaction():
        store.records.put_image(record)
        if reference is not None:
            _name(store.records, record, reference, repo_digest)
    return record


def record_top(store: Store, top: Image | ImageIndex, image: Image, names: Sequence[Reference]) -> None:
    """Remember an image, or an index with `image` as the one of its images that this machine runs; name it.

    The other images of an index have no records of their own: they are there as long as it is.
    Atomic: all of it or nothing. Raises: Corrupt where a layer is not what it should be; NotFound for a missing blob.
    """
    others = [one for one in iter_images(top) if one.id != image.id]
    for layer in (layer for one in others for layer in one.layers):
        describe_layer(store, layer)
    with store.records.transaction():
        record = record_image(store, image)
        if isinstance(top, ImageIndex):
            digests = [digest for digest in blobs_below(top) if digest != top.digest]
            store.records.put_index(image.id, top.digest, top.media_type, digests)
        for name in names:
            store.records.set_name(name, record.image_id, top.digest)


def blobs_below(top: Image | ImageIndex) -> Iterator[Digest]:
    """Every blob that it stands on, its own document first. Raises: NotFound; Corrupt."""
    yield top.digest
    if isinstance(top, ImageIndex):
        for below in iter_tops(top):
            yield from blobs_below(below)
    else:
        yield from (part.digest for part in (top.manifest.config, *top.manifest.layers))


def describe_layer(store: Store, layer: Layer) -> LayerRecord:
    """The record of a layer, from its blob where there is none yet. Raises: NotFound; Corrupt."""
    known = store.records.find_layer_of(layer.descriptor.digest)
    if known is not None and known.diff_id == layer.diff_id:
        return known
    fresh = scan_layer(store.blobs, layer)
    store.records.put_layer(fresh)
    return fresh


def scan_layer(source: BlobSource, layer: Layer) -> LayerRecord:
    """Inflate a layer's blob and compare it with what is said of it. Raises: NotFound; Corrupt."""
    sha256, size = hashlib.sha256(), 0
    descriptor = layer.descriptor
    with source.open(descriptor.digest) as file:
        tar = decompress(file)
        while chunk := tar.read(_CHUNK):
            sha256.update(chunk)
            size += len(chunk)
    actual = DiffID.of_hash(sha256)
    if actual != layer.diff_id:
        raise Corrupt(
            "layer {digest} inflates to {actual} and not to {diff_id}",
            digest=descriptor.digest, actual=actual, diff_id=layer.diff_id,
        )  # fmt: skip
    return LayerRecord(layer.diff_id, descriptor.digest, descriptor.media_type, descriptor.size, size)


def _name(records: Records, record: ImageRecord, reference: Reference, repo_digest: Digest | None) -> None:
    if reference.tag:
        records.set_name(reference, record.image_id, record.manifest)
    if repo_digest is not None:
        records.add_digest(reference.name, repo_digest, record.image_id)
