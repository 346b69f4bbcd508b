"""Images of what a build composed: manifests in the wanted packing, annotated, and an index over several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from capas.build.bench import Bench
from capas.build.export import Composed
from capas.build.exporters.annotations import Annotation, annotations_at
from capas.build.exporters.output import Output, Packing
from capas.build.exporters.packing import pack
from capas.errors import Invalid
from capas.image.edit import assemble
from capas.image.image import Image
from capas.image.index import ImageIndex
from capas.oci import media
from capas.oci.descriptor import Descriptor, PlatformDocument
from capas.oci.digest import Digest
from capas.oci.document import encode
from capas.oci.manifest import Index
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.store.contract import BlobStore
from capas.store.put import put


class Exported(NamedTuple):
    """The images of one output, one a platform, and the index over them where there is one."""

    images: tuple[Image, ...]
    over: ImageIndex | None = None

    @property
    def top(self) -> Image | ImageIndex:
        """What a name points at."""
        return self.over or self.images[0]

    @property
    def digest(self) -> Digest:
        """The digest of the top."""
        return self.top.digest

    def preferred(self, platform: Platform) -> Image:
        """The image that runs best there; the first where none does."""
        return max(self.images, key=lambda image: platform.runs(image.platform))


class Attest(Protocol):
    """Says about an image what the build was asked to say."""

    def __call__(self, image: Image, number: int, names: Sequence[Reference]) -> Descriptor:
        """The index's entry for it; `number` is the image's place among the platforms."""


def make_exported(composed: Sequence[Composed], output: Output, bench: Bench, attest: Attest | None = None) -> Exported:
    """Write manifests, configs, attestations and the index. Raises: Corrupt; Exhausted."""
    images = tuple(_image(one, output.packing, output.annotations, bench) for one in composed)
    if len(images) == 1 and attest is None:
        return Exported(images)
    entries = [describe(image, output.annotations) for image in images]
    if attest is not None:
        entries += [attest(image, number, output.names) for number, image in enumerate(images)]
    return Exported(images, make_index(bench.blobs, entries, output))


def describe(image: Image, annotations: Sequence[Annotation] = ()) -> Descriptor:
    """What an index says of an image."""
    platform = image.platform
    return replace(
        image.descriptor,
        platform=PlatformDocument.of(platform),
        annotations=annotations_at(annotations, "manifest-descriptor", platform),
    )


def make_index(blobs: BlobStore, entries: Sequence[Descriptor], output: Output) -> ImageIndex:
    """Write an index over these entries."""
    media_type = media.DOCKER_INDEX if output.packing.docker_types else media.OCI_INDEX
    annotations = annotations_at(output.annotations, "index")
    data = encode(Index(schema_version=2, media_type=media_type, manifests=tuple(entries), annotations=annotations))
    put(blobs, data)
    return ImageIndex(blobs, data, media_type)


def check_annotations(
    annotations: Sequence[Annotation], platforms: Sequence[Platform], *, attested: bool = False
) -> None:
    """Raises: Invalid for one that nothing of this build could carry."""
    for one in annotations:
        if one.level.startswith("index") and len(platforms) < 2 and not attested:
            raise Invalid(
                "annotation {key} is for an index, and one platform makes none", key=one.key,
                hint="annotate the manifest, or build several platforms",
            )  # fmt: skip
        if one.platform is not None and one.platform not in platforms:
            raise Invalid("annotation {key} is for {platform}, which is not built", key=one.key, platform=one.platform)


def _image(one: Composed, packing: Packing, annotations: Sequence[Annotation], bench: Bench) -> Image:
    return assemble(
        bench.blobs,
        one.config,
        pack(one.layers, packing, one.is_new, bench),
        docker=packing.docker_types,
        annotations=annotations_at(annotations, "manifest", one.platform),
    )
