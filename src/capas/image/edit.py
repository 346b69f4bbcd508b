"""New images from parts: documents are written, and another Image comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from capas.errors import Invalid
from capas.image.image import Image
from capas.oci import media
from capas.oci.config import Config
from capas.oci.descriptor import Descriptor
from capas.oci.document import encode
from capas.oci.manifest import Manifest
from capas.store.contract import BlobStore
from capas.store.put import put


def assemble(
    blobs: BlobStore,
    config: Config,
    layers: Sequence[Descriptor],
    *,
    docker: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """Write the config and a manifest over these layers, bottom first; `docker` for its media types, else OCI's.

    Raises: Invalid where the config names another number of layers.
    """
    return assemble_bytes(blobs, encode(config), config, layers, docker=docker, annotations=annotations)


def assemble_bytes(
    blobs: BlobStore,
    config_bytes: bytes,
    config: Config,
    layers: Sequence[Descriptor],
    *,
    docker: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """As `assemble`, for a config whose bytes are given and kept."""
    if len(layers) != len(config.rootfs.diff_ids):
        raise Invalid(
            "{layers} layers for a config that names {diff_ids}",
            layers=len(layers), diff_ids=len(config.rootfs.diff_ids),
        )  # fmt: skip
    manifest_type = media.DOCKER_MANIFEST if docker else media.OCI_MANIFEST
    manifest = Manifest(
        schema_version=2,
        media_type=manifest_type,
        config=Descriptor(
            media_type=media.DOCKER_CONFIG if docker else media.OCI_CONFIG,
            digest=put(blobs, config_bytes),
            size=len(config_bytes),
        ),
        layers=tuple(_in_family(layer, docker) for layer in layers),
        annotations=dict(sorted((annotations or {}).items())),
    )
    data = encode(manifest)
    put(blobs, data)
    return Image(blobs, data, manifest_type)


def _in_family(layer: Descriptor, docker: bool) -> Descriptor:
    """The layer under the type that the manifest's family calls it; types of neither family stay."""
    compression = media.compression_of(layer.media_type)
    if compression is None:
        return layer
    return msgspec.structs.replace(layer, media_type=media.layer_type(compression, docker=docker))
