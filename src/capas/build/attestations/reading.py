"""Attestations read back from the index around an image."""

from __future__ import annotations

from typing import Any

import msgspec

from capas.build.attestations.statement import PREDICATE_TYPE, is_about
from capas.errors import Corrupt
from capas.image.image import Image
from capas.image.index import ImageIndex
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.typed import from_json

_LARGEST = 64 << 20  # an SBOM has a few hundred bytes a package


class _Statement(msgspec.Struct, frozen=True, rename="camel"):
    predicate_type: str
    predicate: dict[str, Any]


def find_predicate(top: Image | ImageIndex, image: Image, type: str) -> dict[str, Any] | None:
    """What is said of an image in statements of this type; None where nothing is, or its bytes are not here.

    Raises: Corrupt for a statement that is none, or whose bytes are not those of its digest.
    """
    for descriptor in top.manifests if isinstance(top, ImageIndex) else ():
        if not is_about(descriptor, image.digest) or not top.source.contains(descriptor.digest):
            continue
        for layer in Image.open(top.source, descriptor.digest, descriptor.media_type).manifest.layers:
            if layer.annotations.get(PREDICATE_TYPE) == type and top.source.contains(layer.digest):
                return _read(top, layer, type)
    return None


def _read(top: Image | ImageIndex, layer: Descriptor, type: str) -> dict[str, Any]:
    if layer.size > _LARGEST:
        raise Corrupt("statement {digest} is longer than {limit} bytes", digest=layer.digest, limit=_LARGEST)
    with top.source.open(layer.digest) as file:
        data = file.read(layer.size + 1)
    if Digest.of(data) != layer.digest:
        raise Corrupt("statement {digest} has other bytes: damaged or forged", digest=layer.digest)
    try:
        statement = from_json(data, _Statement)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Corrupt("statement {digest} cannot be read: {error}", digest=layer.digest, error=str(error)) from None
    if statement.predicate_type != type:
        raise Corrupt("statement {digest} is not of the type it was called, {type}", digest=layer.digest, type=type)
    return statement.predicate
