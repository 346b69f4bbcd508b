"""An index: several images under one name, one of which suits a platform."""

from __future__ import annotations

from collections.abc import Iterator

from capas.errors import Corrupt, Invalid, NotFound
from capas.image.image import Image
from capas.image.reading import read_document
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.manifest import Index, parse_manifest, type_of
from capas.oci.platform import Platform
from capas.store.contract import BlobSource

MAX_DEPTH = 4


class ImageIndex:
    """An index over a source of bytes. Raises: Corrupt for what is none; Invalid for a manifest."""

    def __init__(self, source: BlobSource, data: bytes, media_type: str = "") -> None:
        document = parse_manifest(data, media_type)
        if not isinstance(document, Index):
            raise Invalid("this is the manifest of one image, not an index")
        self.source = source
        self.index = document
        self.index_bytes = data
        self.media_type = media_type or type_of(document)

    @classmethod
    def open(cls, source: BlobSource, digest: Digest, media_type: str = "") -> ImageIndex:
        """The index with this digest. Raises: NotFound; Corrupt; Invalid for a manifest."""
        return cls(source, read_document(source, digest, what="index"), media_type)

    @property
    def digest(self) -> Digest:
        """The digest of its bytes."""
        return Digest.of(self.index_bytes)

    @property
    def descriptor(self) -> Descriptor:
        """What says of it what it is."""
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.index_bytes))

    @property
    def manifests(self) -> tuple[Descriptor, ...]:
        """What it lists, in its order."""
        return self.index.manifests

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms that it names, in its order."""
        return tuple(
            descriptor.platform.normal
            for descriptor in self.manifests
            if descriptor.platform and not is_attestation(descriptor)
        )

    def choose(self, platform: Platform) -> Descriptor:
        """The entry that suits a platform best, the first of equals. Without platforms, the only entry.

        Raises: NotFound, naming the platforms there are.
        """
        fitting = [
            (platform.runs(descriptor.platform.normal), descriptor)
            for descriptor in self.manifests
            if descriptor.platform and not is_attestation(descriptor)
        ]
        score, best = max(fitting, key=lambda pair: pair[0], default=(0, None))
        if best is not None and score > 0:
            return best
        if len(self.manifests) == 1 and self.manifests[0].platform is None:
            return self.manifests[0]
        known = ", ".join(dict.fromkeys(map(str, self.platforms))) or "none"
        raise NotFound("there is no image for {platform} here, only for {known}", platform=platform, known=known,
                       hint="ask for one of these with --platform")  # fmt: skip


def is_attestation(descriptor: Descriptor) -> bool:
    """Whether an entry is no image but words about one: BuildKit lists them with an unknown platform."""
    return descriptor.platform is not None and descriptor.platform.os == "unknown"


def open_image(source: BlobSource, digest: Digest, platform: Platform, *, media_type: str = "") -> Image:
    """The image behind a digest, chosen by platform from an index, or an index of indexes.

    Raises: NotFound; Corrupt, also for indexes in a loop or deeper than four.
    """
    for _ in range(MAX_DEPTH):
        data = read_document(source, digest, what="manifest")
        if not isinstance(parse_manifest(data, media_type), Index):
            return Image(source, data, media_type)
        chosen = ImageIndex(source, data, media_type).choose(platform)
        digest, media_type = chosen.digest, chosen.media_type
    raise Corrupt("the indexes of {digest} are nested without end", digest=digest)


def iter_tops(index: ImageIndex) -> Iterator[Image | ImageIndex]:
    """What an index lists, opened, attestations too. Raises: NotFound; Corrupt."""
    for descriptor in index.manifests:
        yield open_top(index.source, descriptor.digest, descriptor.media_type)


def iter_images(top: Image | ImageIndex, depth: int = MAX_DEPTH) -> Iterator[Image]:
    """The images behind it, in its order, attestations left out. Raises: NotFound; Corrupt, also without end."""
    if isinstance(top, Image):
        yield top
        return
    if depth == 0:
        raise Corrupt("the indexes of {digest} are nested without end", digest=top.digest)
    for descriptor in top.manifests:
        if not is_attestation(descriptor):
            yield from iter_images(open_top(top.source, descriptor.digest, descriptor.media_type), depth - 1)


def open_top(source: BlobSource, digest: Digest, media_type: str = "") -> Image | ImageIndex:
    """The image or index with this digest. Raises: NotFound; Corrupt."""
    data = read_document(source, digest, what="manifest")
    kind = ImageIndex if isinstance(parse_manifest(data, media_type), Index) else Image
    return kind(source, data, media_type)
