"""The manifest and the index: which blobs make an image, which images make a name."""

from __future__ import annotations

import msgspec

from capas.errors import Corrupt, Unsupported
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.document import decode


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, rename="camel"):
    """One image for one platform: a config and its layers, bottom first.

    Spec: OCI image-spec, manifest.md; Docker "Image Manifest Version 2, Schema 2".
    """

    schema_version: int = msgspec.field(name="schemaVersion")
    media_type: str = ""
    artifact_type: str | None = None
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: dict[str, str] = {}


class Index(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, rename="camel"):
    """Several manifests under one name, one for each platform.

    Spec: OCI image-spec, image-index.md; Docker "manifest list".
    """

    schema_version: int = msgspec.field(name="schemaVersion")
    media_type: str = ""
    artifact_type: str | None = None
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: dict[str, str] = {}


_ABSENT = msgspec.Raw(b"null")


class _Shape(msgspec.Struct, rename="camel"):
    """What tells the documents apart, read first. (`Raw | None` would not be read as Raw.)"""

    schema_version: int = 0
    media_type: str = ""
    manifests: msgspec.Raw = _ABSENT
    layers: msgspec.Raw = _ABSENT
    config: msgspec.Raw = _ABSENT

    @property
    def is_index(self) -> bool:
        """Whether it is an index."""
        return self.manifests != _ABSENT

    @property
    def is_image(self) -> bool:
        """Whether it is one image."""
        return self.layers != _ABSENT or self.config != _ABSENT


def parse_manifest(data: bytes, media_type: str = "") -> Manifest | Index:
    """The manifest or index in these bytes. `media_type` is what the registry or descriptor called them ("" unknown).

    Raises: Corrupt for a document that is both, neither, or not of the type it was called (CVE-2021-41190);
        Unsupported for schema 1.
    """
    shape = decode(data, _Shape, "manifest")
    _check_shape(shape, media_type)
    if shape.is_index:
        return decode(data, Index, "index")
    return decode(data, Manifest, "manifest")


def type_of(document: Manifest | Index) -> str:
    """The media type of a document: its own word, or OCI's where it does not say."""
    return document.media_type or (media.OCI_INDEX if isinstance(document, Index) else media.OCI_MANIFEST)


def _check_shape(shape: _Shape, media_type: str) -> None:
    if shape.schema_version == 1 or media_type in (media.DOCKER_SCHEMA1, media.DOCKER_SCHEMA1_SIGNED):
        raise Unsupported("the image is in Docker's schema 1 of 2015", hint="push it again with a newer client")
    if shape.schema_version != 2:
        raise Corrupt("the manifest has schemaVersion {version}, not 2", version=shape.schema_version)
    if shape.is_index and shape.is_image:
        raise Corrupt("the manifest claims to be an index too: refused as ambiguous")
    if media_type and shape.media_type and media_type != shape.media_type:
        raise Corrupt(
            "the manifest was called {called} and says it is {says}", called=media_type, says=shape.media_type
        )
    said = media_type or shape.media_type
    known = media.INDEXES if shape.is_index else media.MANIFESTS
    if said in media.INDEXES | media.MANIFESTS and said not in known:
        raise Corrupt("the manifest is not of the type it was called, {called}", called=said)
