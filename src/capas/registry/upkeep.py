"""Whether there is anything to pull: answered by one small request, or by none."""

from __future__ import annotations

from typing import NamedTuple

from capas.errors import CapasError, Corrupt, NotFound, Unauthenticated
from capas.image.image import Image
from capas.oci.digest import Digest, ImageID
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.arrival import Here
from capas.registry.client import Repository
from capas.registry.resolve import missing


class Current(NamedTuple):
    """An image that is here and is what the registry has. `digest` is what the reference points at."""

    image: Image
    digest: Digest


def find_current(repository: Repository, reference: Reference, platform: Platform, here: Here) -> Current | None:
    """The image here, whole, that the reference still means; None where a pull has something to do.

    Raises: NotFound where the registry has it no more; Unauthenticated; Denied; Unavailable.
    """
    found = _here(reference, platform, here)
    if found is None or not _is_whole(found.image, here):
        return None
    if reference.digest is not None:
        return found
    try:
        head = repository.head_manifest(reference.tag or "latest")
    except (NotFound, Unauthenticated) as error:
        raise missing(repository, reference, error) from None
    if head is None:
        return None
    same = head.digest in (found.image.digest, *_known_as(reference, found.image.id, here))
    exact = head.digest == found.image.digest or found.image.platform == platform
    return found._replace(digest=head.digest) if same and exact else None


def _here(reference: Reference, platform: Platform, here: Here) -> Current | None:
    """What the name, or the digest, stands for here."""
    records = here.records
    if reference.digest is None:
        row = records.find_name(reference)
        return None if row is None else _open(here, row.image_id, row.manifest, row.manifest)
    for name, digest, image_id in records.list_digests():
        record = records.find_image(image_id) if (name, digest) == (reference.name, reference.digest) else None
        if record is not None and (record.platform == platform or record.manifest == digest):
            return _open(here, image_id, record.manifest, digest)
    return None


def _open(here: Here, image_id: ImageID, manifest: Digest, digest: Digest) -> Current | None:
    try:
        image = Image.open(here.blobs, manifest)
    except (NotFound, Corrupt):
        return None  # the pull brings it again
    return Current(image, digest) if image.id == image_id else None


def _is_whole(image: Image, here: Here) -> bool:
    """Whether every blob of an image is here with its size, and every layer with the receiver."""
    try:
        return here.has_blob(image.manifest.config) and all(map(here.has_layer, image.layers))
    except CapasError:
        return False


def _known_as(reference: Reference, image_id: ImageID, here: Here) -> list[Digest]:
    return [digest for name, digest, _ in here.records.list_digests(image_id) if name == reference.name]
