"""The oracle: every promise of an image recomputed from its bytes."""

from __future__ import annotations

import hashlib

from capas.errors import Corrupt, NotFound
from capas.image.image import Image
from capas.image.index import MAX_DEPTH, ImageIndex, is_attestation
from capas.image.reading import read_document
from capas.image.record import scan_layer
from capas.layer.entry import Layer
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.manifest import Index, parse_manifest
from capas.store.contract import BlobSource

_CHUNK = 1024 * 1024


def validate(source: BlobSource, digest: Digest, *, media_type: str = "", depth: int = MAX_DEPTH) -> None:
    """Read an image, or all images of an index, to the last byte and compare everything with what is said of it.

    Raises: Corrupt, naming what is wrong; NotFound for a blob that is missing.
    """
    data = read_document(source, digest, what="manifest")
    if not isinstance(parse_manifest(data, media_type), Index):
        _validate_image(Image(source, data, media_type))
        return
    if depth == 0:
        raise Corrupt("the indexes of {digest} are nested without end", digest=digest)
    for descriptor in ImageIndex(source, data, media_type).manifests:
        _validate_size(source, descriptor)
        if not is_attestation(descriptor):
            validate(source, descriptor.digest, media_type=descriptor.media_type, depth=depth - 1)


def _validate_image(image: Image) -> None:
    steps = image.history
    filled = sum(not step.empty_layer for step in steps)
    if steps and filled != len(image.layers):
        raise Corrupt(
            "the history of image {image} has {filled} steps with a layer for {layers} layers",
            image=image.id.short, filled=filled, layers=len(image.layers),
        )  # fmt: skip
    if not image.config.os or not image.config.architecture:
        raise Corrupt("the config of image {image} names no platform", image=image.id.short)
    for layer in image.layers:
        _validate_layer(image.source, layer)


def _validate_layer(source: BlobSource, layer: Layer) -> None:
    descriptor = layer.descriptor
    sha256, size = hashlib.sha256(), 0
    with source.open(descriptor.digest) as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            size += len(chunk)
    if Digest.of_hash(sha256) != descriptor.digest or size != descriptor.size:
        raise Corrupt(
            "layer {digest} of {expected} bytes is damaged: its {size} bytes have the digest {actual}",
            digest=descriptor.digest, expected=descriptor.size, size=size, actual=Digest.of_hash(sha256),
        )  # fmt: skip
    scan_layer(source, layer)


def _validate_size(source: BlobSource, descriptor: Descriptor) -> None:
    if not source.contains(descriptor.digest):
        raise NotFound("no such blob: {digest}", digest=descriptor.digest)
    read_document(source, descriptor.digest, size=descriptor.size, what="manifest")
