"""`save`: images into one tar that is a docker archive and an OCI layout at once."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import msgspec

from capas.errors import Invalid
from capas.image.archive_documents import (
    BLOBS,
    INDEX_JSON,
    MANIFEST_JSON,
    OCI_LAYOUT,
    REPOSITORIES,
    ArchivedImage,
)
from capas.image.image import Image
from capas.image.names import annotations_of
from capas.image.reading import Verified
from capas.layer.entry import DIRECTORY, FILE, Entry
from capas.layer.writer import TarWriter
from capas.oci import media
from capas.oci.descriptor import Descriptor, PlatformDocument
from capas.oci.digest import Digest, ImageID
from capas.oci.document import encode
from capas.oci.manifest import Index
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.contract import BlobSource

Named = tuple[Image, Sequence[Reference]]
FORMATS = ("docker", "oci")


def save(out: BinaryIO, images: Sequence[Named], *, format: str = "docker") -> None:
    """Write images, each with its names, as one archive; blobs that they share are in it once.

    "docker" is read by docker (layers of zstd: from version 23 on), podman, skopeo and containerd; "oci" leaves
    docker's own documents out.
    Order: the documents, then the blobs by digest: equal images give equal bytes. Memory stays flat.
    Raises: Invalid for another format or for nothing to save; Corrupt for a damaged blob; NotFound for a missing one.
    """
    if format not in FORMATS:
        raise Invalid("no such archive format: {format!r}", format=format, hint="docker or oci")
    if not images:
        raise Invalid("there is no image to save", hint="name at least one")
    tar = TarWriter(out.write)
    for name, document in _documents(images, format):
        tar.add(_entry(name, len(document)), io.BytesIO(document))
    for directory in ("blobs", "blobs/sha256"):
        tar.add(Entry(directory.encode(), DIRECTORY, mode=0o755), None)
    for digest, (source, size) in sorted(_blobs(images).items()):
        with source.open(digest) as file:
            tar.add(_entry(BLOBS + digest.hex, size), Verified(file, digest, size))
    tar.finish()


def _entry(name: str, size: int) -> Entry:
    return Entry(name.encode(), FILE, mode=0o644, size=size)


def _blobs(images: Sequence[Named]) -> dict[Digest, tuple[BlobSource, int]]:
    """What goes into the archive: digest to source and size. The manifests' bytes may be in no store."""
    blobs: dict[Digest, tuple[BlobSource, int]] = {}
    for image, _ in images:
        for part in (image.manifest.config, *image.manifest.layers):
            blobs[part.digest] = (image.source, part.size)
        blobs[image.digest] = (_Bytes(image.manifest_bytes), len(image.manifest_bytes))
    return blobs


class _Bytes:
    """One document as a source of bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def open(self, digest: Digest) -> BinaryIO:
        """The document."""
        return io.BytesIO(self._data)

    def contains(self, digest: Digest) -> bool:
        """Always."""
        return True


def _documents(images: Sequence[Named], format: str) -> list[tuple[str, bytes]]:
    """The documents by name, sorted."""
    documents = {
        OCI_LAYOUT: b'{"imageLayoutVersion":"1.0.0"}',
        INDEX_JSON: encode(_index(images, full_names=format == "oci")),
    }
    if format == "docker":
        documents[MANIFEST_JSON] = encode(_archived(images))
        documents[REPOSITORIES] = msgspec.json.encode(_repositories(images), order="deterministic")
    return sorted(documents.items())


def _index(images: Sequence[Named], *, full_names: bool) -> Index:
    entries: list[Descriptor] = []
    for image, references in images:
        described = msgspec.structs.replace(image.descriptor, platform=_platform(image.platform))
        for reference in references:
            annotations = annotations_of(reference, full=full_names)
            entries.append(msgspec.structs.replace(described, annotations=annotations))
        if not references:
            entries.append(described)
    return Index(schema_version=2, media_type=media.OCI_INDEX, manifests=tuple(entries))


def _platform(platform: Platform) -> PlatformDocument:
    return PlatformDocument(os=platform.os, architecture=platform.architecture, variant=platform.variant)


def _archived(images: Sequence[Named]) -> list[ArchivedImage]:
    tags: dict[ImageID, list[str]] = {}
    for image, references in images:
        tags.setdefault(image.id, []).extend(reference.familiar for reference in references)
    once = {image.id: image for image, _ in images}
    return [
        ArchivedImage(
            BLOBS + image.id.hex,
            tuple(dict.fromkeys(tags[image.id])) or None,
            tuple(BLOBS + layer.descriptor.digest.hex for layer in image.layers),
        )
        for image in once.values()
    ]


def _repositories(images: Iterable[Named]) -> dict[str, dict[str, str]]:
    """Docker's oldest document: repository, tag, top layer. Old readers want it to be there."""
    repositories: dict[str, dict[str, str]] = {}
    for image, references in images:
        top = image.manifest.layers[-1].digest.hex if image.manifest.layers else ""
        for reference in references:
            if reference.tag:
                repositories.setdefault(reference.familiar_name, {})[reference.tag] = top
    return repositories
