"""What the store remembers of images, names and layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from capas.oci.digest import DiffID, Digest, ImageID
from capas.oci.platform import Platform
from capas.reference import Reference


class ImageRecord(NamedTuple):
    """An image, as far as a listing needs it.

    Units: `size` is the sum of the uncompressed layers in bytes; `created_ns` since 1970, 0 where it is not known.
    `digests` are the blobs that the manifest needs: its config and layers.
    """

    image_id: ImageID
    manifest: Digest
    media_type: str
    created_ns: int
    size: int
    platform: Platform
    labels: Mapping[str, str]
    parent: ImageID | None
    digests: tuple[Digest, ...]


class NameRecord(NamedTuple):
    """A tag and what it points at. The manifest may be another than the image record's: one image, packed twice."""

    reference: Reference
    image_id: ImageID
    manifest: Digest


class SparedRecord(NamedTuple):
    """A blob that need not be kept: the layer file of `diff_id` gives its bytes again by `recipe`.

    An empty recipe: only a registry that has it can give it again. `size` is the blob's, in bytes.
    """

    digest: Digest
    diff_id: DiffID
    size: int
    recipe: str


class StepTime(NamedTuple):
    """How long a step of an image's history took when it was done, and whether the last build found it done.

    None where it is not known, and for what is no step of its own.
    """

    seconds: float | None
    cached: bool | None


class LayerRecord(NamedTuple):
    """A layer: the blob and what it is when inflated."""

    diff_id: DiffID
    digest: Digest
    media_type: str
    size: int
    uncompressed_size: int
