"""From a reference to one image's manifest: what a tag points at, and which of an index suits the platform."""

from __future__ import annotations

from typing import NamedTuple

from capas.errors import CapasError, Corrupt, NotFound, Unauthenticated
from capas.image.index import ImageIndex
from capas.image.reading import read_document
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.manifest import Index, parse_manifest
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.client import Repository
from capas.registry.manifests import Fetched
from capas.store.contract import BlobStore

_DEPTH = 4


class Resolved(NamedTuple):
    """The manifest of one image, and the digest that the reference itself has: of the index, where there is one."""

    digest: Digest
    data: bytes
    media_type: str


def resolve(repository: Repository, reference: Reference, platform: Platform, blobs: BlobStore) -> Resolved:
    """Ask the registry what a reference means, for a platform. Manifests that are in `blobs` are not fetched.

    Raises: NotFound for no such image, or none for the platform; Unauthenticated; Denied; Unavailable; Corrupt, also
    for indexes in a loop or nested without end; Unsupported for schema 1.
    """
    first = top = _first(repository, reference)
    for _ in range(_DEPTH):
        if not isinstance(parse_manifest(top.data, top.media_type), Index):
            return Resolved(first.digest, top.data, top.media_type)
        chosen = ImageIndex(blobs, top.data, top.media_type).choose(platform)
        top = _chosen(repository, chosen, blobs)
    raise Corrupt("the indexes of {image} are nested without end", image=reference.familiar)


def _first(repository: Repository, reference: Reference) -> Fetched:
    target = reference.digest or reference.tag or "latest"
    try:
        return repository.get_manifest(target)
    except (NotFound, Unauthenticated) as error:
        raise missing(repository, reference, error) from None


def missing(repository: Repository, reference: Reference, error: NotFound | Unauthenticated) -> CapasError:
    """That there is no such image, or not for us, with the registry's own words, and names that may have been meant."""
    from capas.registry.suggestion import familiar_names

    near = ", ".join(familiar_names(reference, repository.list_near(error)))
    if isinstance(error, Unauthenticated):
        hint = "did you mean {meant}?" if near else error.hint_template
        return Unauthenticated(error.message, hint=hint, **{**error.facts, "meant": near})
    return NotFound(
        "no such image: {image}: {registry} says: {said}",
        registry=reference.domain, image=reference.familiar, said=error.facts.get("said", "not found"), meant=near,
        hint="did you mean {meant}? an image that is private needs `capas login {registry}`" if near
        else "check the name and the tag; an image that is private needs `capas login {registry}`",
    )  # fmt: skip


def _chosen(repository: Repository, chosen: Descriptor, blobs: BlobStore) -> Fetched:
    if blobs.contains(chosen.digest):
        try:
            return Fetched(read_document(blobs, chosen.digest, size=chosen.size), chosen.media_type, chosen.digest)
        except (Corrupt, NotFound):
            blobs.delete(chosen.digest)  # damaged on our disk: the registry has it whole
    found = repository.get_manifest(chosen.digest)
    if len(found.data) != chosen.size:
        raise Corrupt(
            "manifest {digest} should have {expected} bytes and has {size}",
            digest=chosen.digest, expected=chosen.size, size=len(found.data),
        )  # fmt: skip
    return found._replace(media_type=found.media_type or chosen.media_type)
