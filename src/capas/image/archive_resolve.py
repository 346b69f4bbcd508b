"""Which images an archive's members make, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from capas.errors import CapasError, Corrupt, Invalid, Unsupported
from capas.image.archive_documents import INDEX_JSON, MANIFEST_JSON, REPOSITORIES, ArchivedImage
from capas.image.archive_members import Member, Members
from capas.image.edit import assemble_bytes
from capas.image.image import Image
from capas.image.index import MAX_DEPTH, ImageIndex, is_attestation, open_top
from capas.image.names import names_of
from capas.image.reading import read_document
from capas.oci.config import parse_config
from capas.oci.descriptor import Descriptor
from capas.oci.digest import ImageID
from capas.oci.document import decode
from capas.oci.manifest import Index, parse_manifest
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.contract import BlobStore


class Found(NamedTuple):
    """An image of an archive and its names, which are those of the index `over` it where all of that is there."""

    image: Image
    names: list[Reference]
    over: ImageIndex | None = None


def resolve(members: Members, blobs: BlobStore, platform: Platform | None) -> list[Found]:
    """The images of an archive, in its order. Manifests are taken from its index where it has one, so that they keep
    their digests; docker's `manifest.json` adds names, and images that the index has not.

    Raises: Invalid for a tar that is no archive of images; Corrupt; Unsupported for docker's of 2015 and before.
    """
    documents = members.documents
    if not documents.keys() & {MANIFEST_JSON, INDEX_JSON}:
        if REPOSITORIES in documents:
            raise Unsupported("the archive is of docker before 1.10", hint="load it in docker and save it again")
        raise Invalid(
            "this is no archive of images: it has neither manifest.json nor index.json",
            hint="`capas import` makes an image of a tar of files",
        )
    found: dict[ImageID, Found] = {}
    if INDEX_JSON in documents:
        _add_indexed(found, _Indexed(members, blobs, platform), documents[INDEX_JSON], MANIFEST_JSON in documents)
    if MANIFEST_JSON in documents:
        _add_archived(found, _Archived(members, blobs), documents[MANIFEST_JSON])
    return list(found.values())


def _add_indexed(found: dict[ImageID, Found], reader: _Indexed, index: bytes, partial: bool) -> None:
    for descriptor in ImageIndex(reader.blobs, index).manifests:
        images = list(reader.images(descriptor, MAX_DEPTH))
        if not images and not partial:
            raise Corrupt("the archive lacks {digest}, which its index lists", digest=descriptor.digest)
        if not images:
            continue
        names = names_of(descriptor)  # without one, each image is by itself: nothing would hold the index
        preferred, over = reader.preferred(images), reader.find_index(descriptor) if names else None
        for image in [preferred] if over else images:
            found.setdefault(image.id, Found(image, [], over))
        _add_names(found[preferred.id], names)


def _add_archived(found: dict[ImageID, Found], reader: _Archived, document: bytes) -> None:
    for item in decode(document, tuple[ArchivedImage, ...], MANIFEST_JSON):
        member = reader.config(item)
        image_id = ImageID(member.digest)
        if image_id not in found:
            found[image_id] = Found(reader.image(item, member), [])
        _add_names(found[image_id], [_parse_name(text) for text in item.repo_tags or ()])


def _add_names(found: Found, names: list[Reference]) -> None:
    found.names.extend(name for name in names if name not in found.names)


def _parse_name(text: str) -> Reference:
    try:
        reference = Reference.parse(text).with_default_tag()
    except CapasError as error:
        raise Corrupt("the archive gives an image a name that is none: {error}", error=str(error)) from None
    if reference.digest is not None:
        raise Corrupt("the archive names an image by digest: {name}", name=reference)
    return reference


class _Indexed:
    """Images by the archive's OCI index."""

    def __init__(self, members: Members, blobs: BlobStore, platform: Platform | None) -> None:
        self.blobs = blobs
        self._members = members
        self._platform = platform

    def images(self, descriptor: Descriptor, depth: int) -> Iterator[Image]:
        """The images behind an entry that are in the archive: of several platforms some may be left out."""
        if depth == 0:
            raise Corrupt("the archive's indexes are nested without end")
        member = self._members.find_blob(descriptor.digest)
        if member is None or is_attestation(descriptor):
            return
        data = read_document(self.blobs, member.digest, size=descriptor.size, what="manifest")
        if not isinstance(parse_manifest(data, descriptor.media_type), Index):
            yield self._whole(Image(self.blobs, data, descriptor.media_type))
            return
        for inner in ImageIndex(self.blobs, data, descriptor.media_type).manifests:
            yield from self.images(inner, depth - 1)

    def find_index(self, descriptor: Descriptor) -> ImageIndex | None:
        """The index behind an entry, if it is one and all that it lists is in the archive."""
        if self._members.find_blob(descriptor.digest) is None:
            return None
        top = open_top(self.blobs, descriptor.digest, descriptor.media_type)
        if isinstance(top, Image) or not all(map(self._is_here, top.manifests)):
            return None
        return top

    def _is_here(self, descriptor: Descriptor) -> bool:
        if self._members.find_blob(descriptor.digest) is None:
            return False
        top = open_top(self.blobs, descriptor.digest, descriptor.media_type)
        parts = top.manifests if isinstance(top, ImageIndex) else (top.manifest.config, *top.manifest.layers)
        if isinstance(top, ImageIndex):
            return all(map(self._is_here, parts))
        return all(self._members.find_blob(part.digest) is not None for part in parts)

    def preferred(self, images: list[Image]) -> Image:
        """The one that the entry's name is for."""
        if self._platform is None:
            return images[0]
        return max(images, key=lambda image: self._platform.runs(image.platform) if self._platform else 0)

    def _whole(self, image: Image) -> Image:
        for part in (image.manifest.config, *image.manifest.layers):
            member = self._members.find_blob(part.digest)
            if member is None or member.size != part.size:
                raise Corrupt("the archive lacks blob {digest} of image {image}", digest=part.digest, image=image.id)
        return image


class _Archived:
    """Images by docker's `manifest.json`: manifests are made for them."""

    def __init__(self, members: Members, blobs: BlobStore) -> None:
        self._members = members
        self._blobs = blobs

    def config(self, item: ArchivedImage) -> Member:
        """The config's blob. Raises: Corrupt."""
        return self._members.get(item.config)

    def image(self, item: ArchivedImage, config: Member) -> Image:
        """The image under a manifest of ours. Raises: Corrupt."""
        data = read_document(self._blobs, config.digest, size=config.size, what="config")
        document = parse_config(data)
        paths, diff_ids = item.layers or (), document.rootfs.diff_ids
        if len(paths) != len(diff_ids):
            raise Corrupt(
                "the archive has {layers} layers for image {image}, whose config names {diff_ids}",
                layers=len(paths), image=config.digest.short, diff_ids=len(diff_ids),
            )  # fmt: skip
        layers = [self._members.describe_layer(*pair) for pair in zip(paths, diff_ids, strict=True)]
        return assemble_bytes(self._blobs, data, document, layers)
