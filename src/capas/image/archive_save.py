"""`save`: images into one tar that is a docker archive and an OCI layout at once."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

import msgspec

from capas.errors import Invalid
from capas.image.archive_documents import (
    BLOBS,
    INDEX_JSON,
    LAYOUT_MARK,
    MANIFEST_JSON,
    OCI_LAYOUT,
    REPOSITORIES,
    ArchivedImage,
)
from capas.image.image import Image
from capas.image.index import ImageIndex, iter_images, iter_tops
from capas.image.names import annotations_of
from capas.image.reading import Verified
from capas.layer.entry import DIRECTORY, FILE, Entry
from capas.layer.writer import TarWriter
from capas.oci import media
from capas.oci.descriptor import Descriptor, PlatformDocument
from capas.oci.digest import Digest, ImageID
from capas.oci.document import encode
from capas.oci.manifest import Index
from capas.reference import Reference
from capas.store.contract import BlobSource

Named = tuple[Image | ImageIndex, Sequence[Reference]]
Blob = tuple[BlobSource, int]
"""Where a blob is, and its size in bytes."""
_Tagged = tuple[Image, Sequence[Reference]]
FORMATS = ("docker", "oci")


def save(out: BinaryIO, images: Sequence[Named], *, format: str = "docker") -> None:
    """Write images and indexes, each with its names, as one archive; blobs that they share are in it once.

    "docker" is read by docker (layers of zstd: from version 23 on), podman, skopeo and containerd; "oci" leaves
    docker's own documents out. What docker's documents say of an index is its first image.
    Order: the documents, then the blobs by digest: equal images give equal bytes. Memory stays flat.
    Raises: Invalid for another format or for nothing to save; Corrupt for a damaged blob; NotFound for a missing one.
    """
    if format not in FORMATS:
        raise Invalid("no such archive format: {format!r}", format=format, hint="docker or oci")
    if not images:
        raise Invalid("there is no image to save", hint="name at least one")
    write_archive(out, documents_of(images, format, full_names=format == "oci"), blobs_of([top for top, _ in images]))


def write_archive(out: BinaryIO, documents: Mapping[str, bytes], blobs: Mapping[Digest, Blob]) -> None:
    """Documents and blobs as one tar. Raises: Corrupt; NotFound."""
    tar = TarWriter(out.write)
    for name, document in sorted(documents.items()):
        tar.add(_entry(name, len(document)), io.BytesIO(document))
    for directory in ("blobs", "blobs/sha256"):
        tar.add(Entry(directory.encode(), DIRECTORY, mode=0o755), None)
    for digest, (source, size) in sorted(blobs.items()):
        with source.open(digest) as file:
            tar.add(_entry(BLOBS + digest.hex, size), Verified(file, digest, size))
    tar.finish()


def blobs_of(tops: Iterable[Image | ImageIndex]) -> dict[Digest, Blob]:
    """What images and indexes stand on, themselves among it. The manifests' bytes may be in no store."""
    blobs: dict[Digest, Blob] = {}
    for top in tops:
        if isinstance(top, ImageIndex):
            blobs[top.digest] = (_Bytes(top.index_bytes), len(top.index_bytes))
            blobs |= blobs_of(iter_tops(top))
            continue
        for part in (top.manifest.config, *top.manifest.layers):
            blobs[part.digest] = (top.source, part.size)
        blobs[top.digest] = (_Bytes(top.manifest_bytes), len(top.manifest_bytes))
    return blobs


def _entry(name: str, size: int) -> Entry:
    return Entry(name.encode(), FILE, mode=0o644, size=size)


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


def documents_of(
    images: Sequence[Named], format: str, annotations: Mapping[str, str] | None = None, *, full_names: bool = False
) -> dict[str, bytes]:
    """The documents by name. `annotations` go beside the names in index.json; see `annotations_of` for `full_names`."""
    index = _index(images, annotations or {}, full_names=full_names)
    documents = {OCI_LAYOUT: LAYOUT_MARK, INDEX_JSON: encode(index)}
    if format == "docker":
        firsts = [(_first(top), references) for top, references in images]
        documents[MANIFEST_JSON] = encode(_archived(firsts))
        documents[REPOSITORIES] = msgspec.json.encode(_repositories(firsts), order="deterministic")
    return documents


def _first(top: Image | ImageIndex) -> Image:
    if isinstance(top, Image):
        return top
    return next(image for image in iter_images(top))


def _index(images: Sequence[Named], extra: Mapping[str, str], *, full_names: bool) -> Index:
    entries: list[Descriptor] = []
    for top, references in images:
        described = top.descriptor
        if isinstance(top, Image):
            described = msgspec.structs.replace(described, platform=PlatformDocument.of(top.platform))
        for reference in references:
            annotations = {**extra, **annotations_of(reference, full=full_names)}
            entries.append(msgspec.structs.replace(described, annotations=annotations))
        if not references:
            entries.append(msgspec.structs.replace(described, annotations=dict(extra)))
    return Index(schema_version=2, media_type=media.OCI_INDEX, manifests=tuple(entries))


def _archived(images: Sequence[_Tagged]) -> list[ArchivedImage]:
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


def _repositories(images: Iterable[_Tagged]) -> dict[str, dict[str, str]]:
    """Docker's oldest document: repository, tag, top layer. Old readers want it to be there."""
    repositories: dict[str, dict[str, str]] = {}
    for image, references in images:
        top = image.manifest.layers[-1].digest.hex if image.manifest.layers else ""
        for reference in references:
            if reference.tag:
                repositories.setdefault(reference.familiar_name, {})[reference.tag] = top
    return repositories
