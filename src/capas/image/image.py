"""An image: a manifest, a config and layers, over any source of bytes."""

from __future__ import annotations

from functools import cached_property

from capas.errors import Corrupt, Invalid, Unsupported
from capas.image.reading import read_document
from capas.layer.entry import Layer
from capas.oci import media
from capas.oci.config import Config, History, parse_config
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest, ImageID
from capas.oci.manifest import Manifest, parse_manifest, type_of
from capas.oci.platform import Platform
from capas.store.contract import BlobSource

MAX_LAYERS = 1000


class Image:
    """One image for one platform. The bytes of its manifest and config are the truth, and kept as they were read.

    The config is read from `source`, and verified, when it is first asked for; layers are never read here.
    Raises: Corrupt for a manifest that is not one; Invalid for an index.
    """

    def __init__(self, source: BlobSource, manifest: bytes, media_type: str = "") -> None:
        document = parse_manifest(manifest, media_type)
        if not isinstance(document, Manifest):
            raise Invalid("this is an index of several images", hint="choose one of them by its platform")
        if len(document.layers) > MAX_LAYERS:
            raise Corrupt("the image has {count} layers: at most {limit}", count=len(document.layers), limit=MAX_LAYERS)
        self.source = source
        self.manifest = document
        self.manifest_bytes = manifest
        self.media_type = media_type or type_of(document)

    @classmethod
    def open(cls, source: BlobSource, digest: Digest, media_type: str = "") -> Image:
        """The image whose manifest has this digest. Raises: NotFound; Corrupt; Invalid for an index."""
        return cls(source, read_document(source, digest, what="manifest"), media_type)

    @property
    def id(self) -> ImageID:
        """The digest of the config: what docker calls the image's id."""
        return ImageID(self.manifest.config.digest)

    @cached_property
    def digest(self) -> Digest:
        """The digest of the manifest: what a registry knows the image by."""
        return Digest.of(self.manifest_bytes)

    @property
    def descriptor(self) -> Descriptor:
        """What an index says of this image, its platform left out."""
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.manifest_bytes))

    @cached_property
    def config_bytes(self) -> bytes:
        """The config as stored. Raises: NotFound; Corrupt; Unsupported for an artifact that is no image."""
        described = self.manifest.config
        if self.manifest.artifact_type or described.media_type not in media.CONFIGS:
            raise Unsupported(
                "this is not an image but an artifact of type {type}",
                type=self.manifest.artifact_type or described.media_type,
            )
        return read_document(self.source, described.digest, size=described.size, what="config")

    @cached_property
    def config(self) -> Config:
        """The config, read. Raises: as `config_bytes`."""
        return parse_config(self.config_bytes)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, bottom first. Raises: Corrupt where manifest and config do not agree; as `config_bytes`."""
        descriptors, diff_ids = self.manifest.layers, self.config.rootfs.diff_ids
        if len(descriptors) != len(diff_ids):
            raise Corrupt(
                "the manifest of image {image} has {layers} layers and its config {diff_ids}",
                image=self.id.short, layers=len(descriptors), diff_ids=len(diff_ids),
            )  # fmt: skip
        for descriptor in descriptors:
            if not media.is_layer(descriptor.media_type):
                raise Unsupported("{digest} of type {type} is no layer", digest=descriptor.digest,
                                  type=descriptor.media_type)  # fmt: skip
        return tuple(map(Layer, descriptors, diff_ids))

    @property
    def platform(self) -> Platform:
        """What it runs on, in normal form."""
        return self.config.platform

    @property
    def history(self) -> tuple[History, ...]:
        """The steps of its making, oldest first; empty where they are not told."""
        return self.config.steps

    @property
    def size_compressed(self) -> int:
        """The bytes that a pull of everything fetches: manifest, config and layers."""
        parts = (self.manifest.config, *self.manifest.layers)
        return len(self.manifest_bytes) + sum(part.size for part in parts)

    def __repr__(self) -> str:
        return f"<Image {self.id.short}>"
