"""What a push says of an image: platform, size, age, and what an index points at."""

from __future__ import annotations

import re

from capas.errors import CapasError
from capas.hub.records.values import Child, Profile
from capas.image.created import parse_created
from capas.oci import media
from capas.oci.attestation import ATTESTATION, REFERENCE_TYPE
from capas.oci.config import Config, parse_config
from capas.oci.descriptor import Descriptor
from capas.oci.document import MAX_BYTES
from capas.oci.manifest import Index, Manifest
from capas.oci.platform import Platform
from capas.store.contract import BlobSource

_PLATFORM = re.compile(r"[a-z0-9._-]{1,40}(/[a-z0-9._-]{1,40}){1,2}", re.ASCII)


def read_profile(blobs: BlobSource, document: Manifest | Index) -> Profile:
    """The profile of a manifest whose config is in `blobs`. What its config does not say well is left out."""
    if isinstance(document, Index):
        return Profile(children=tuple(_child(one) for one in document.manifests))
    size = document.config.size + sum(layer.size for layer in document.layers)
    if document.config.media_type not in media.CONFIGS:
        return Profile(image_bytes=size)
    config = _read_config(blobs, document.config)
    platform = _write(config.platform) if config.os else ""
    return Profile(document.config.digest, platform, size, parse_created(config.created))


def _child(one: Descriptor) -> Child:
    platform = _write(one.platform.normal) if one.platform else ""
    if one.annotations.get(REFERENCE_TYPE) == ATTESTATION:
        return Child(one.digest, "attestation", "")
    if one.is_index:
        return Child(one.digest, "index", platform)
    return Child(one.digest, "image" if one.media_type in media.MANIFESTS else "other", platform)


def _read_config(blobs: BlobSource, one: Descriptor) -> Config:
    if one.size > MAX_BYTES:
        return Config()
    try:
        with blobs.open(one.digest) as file:
            return parse_config(file.read(MAX_BYTES))
    except CapasError:
        return Config()


def _write(platform: Platform) -> str:
    """Its text; empty for words that no platform has: whoever pushes chooses them."""
    text = str(platform)
    return text if _PLATFORM.fullmatch(text) else ""
