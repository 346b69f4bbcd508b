"""What a tag or digest names, read for being shown: an index's images, one image, or another artifact."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from capas.errors import CapasError, NotFound
from capas.hub.hub import Hub
from capas.hub.records.values import StoredManifest
from capas.image.image import Image
from capas.image.index import is_attestation
from capas.oci import media
from capas.oci.attestation import REFERENCE_DIGEST
from capas.oci.config import Config
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.manifest import Index, Manifest, parse_manifest

_PREFERRED = "linux/amd64"
_PREDICATE = "in-toto.io/predicate-type"
_DEPTH = 3
_MOST_STATED = 20  # manifests of statements that are read for one image


class Choice(NamedTuple):
    """One image of an index."""

    platform: str
    digest: Digest


class Attestation(NamedTuple):
    """A statement about an image: in the index beside it, or a manifest that names it as its subject."""

    kind: str
    digest: Digest
    size: int


class Shown(NamedTuple):
    """What a reference names. `top` is what it points at, `chosen` one image (or artifact) of it.

    `config` is None for an artifact that is no image, and for an image whose config cannot be read.
    """

    reference: str
    top: StoredManifest
    choices: tuple[Choice, ...]
    chosen: StoredManifest
    manifest: Manifest
    config: Config | None
    attestations: tuple[Attestation, ...]

    @property
    def platform(self) -> str:
        """The chosen image's platform, an empty text where it does not say."""
        listed = next((one.platform for one in self.choices if one.digest == self.chosen.digest), "")
        return listed or (str(self.config.platform) if self.config and self.config.os else "")

    @property
    def is_index(self) -> bool:
        """Whether there are several to choose from."""
        return self.top.digest != self.chosen.digest

    @property
    def size(self) -> int:
        """The bytes of the config and layers, as stored."""
        return self.manifest.config.size + sum(layer.size for layer in self.manifest.layers)


def read_shown(hub: Hub, name: str, reference: str, platform: str = "") -> Shown:
    """What a reference of a repository names. `platform`: which image of an index, if it has such.

    Raises: NotFound; Corrupt for a manifest that cannot be read.
    """
    top = _find(hub, name, reference)
    chosen, document = top, parse_manifest(top.data, top.media_type)
    choices: tuple[Choice, ...] = ()
    statements: list[Attestation] = []
    for _ in range(_DEPTH):
        if isinstance(document, Manifest):
            break
        found = _choices(document)
        choices = choices or found
        if not found:
            raise NotFound("the index {reference} lists no image", reference=reference)
        one = _choose(found, platform)
        statements += _listed(hub, name, document, one.digest)
        chosen = _find(hub, name, one.digest)
        document = parse_manifest(chosen.data, chosen.media_type)
    if isinstance(document, Index):
        raise NotFound("the index {reference} lists no image", reference=reference)
    statements += _referring(hub, name, {top.digest, chosen.digest})
    config = _read_config(hub, chosen)
    return Shown(reference, top, choices, chosen, document, config, tuple(statements))


def _find(hub: Hub, name: str, reference: str) -> StoredManifest:
    found = hub.manifests.find_manifest(name, reference)
    if found is None:
        raise NotFound("{repository} has no {reference}", repository=name, reference=reference[:128])
    return found


def _choices(index: Index) -> tuple[Choice, ...]:
    """The images of an index, attestations left out."""
    return tuple(
        Choice(str(one.platform.normal) if one.platform else "", one.digest)
        for one in index.manifests
        if not is_attestation(one)
    )


def _choose(choices: tuple[Choice, ...], platform: str) -> Choice:
    by_platform = {one.platform: one for one in reversed(choices)}
    return by_platform.get(platform) or by_platform.get(_PREFERRED) or choices[0]


def _read_config(hub: Hub, stored: StoredManifest) -> Config | None:
    """The config of an image. What is wrong with one is no reason to show nothing at all."""
    try:
        return Image(hub.blobs, stored.data, stored.media_type).config
    except CapasError:
        return None


def _listed(hub: Hub, name: str, index: Index, digest: Digest) -> Iterator[Attestation]:
    """Attestations in the index, as BuildKit and Capas put them: a manifest whose layers are statements."""
    about = (one for one in index.manifests if one.annotations.get(REFERENCE_DIGEST) == digest)
    for one in islice(about, _MOST_STATED):
        stored = hub.manifests.find_manifest(name, one.digest)
        document = parse_manifest(stored.data, stored.media_type) if stored else None
        layers: tuple[Descriptor, ...] = document.layers if isinstance(document, Manifest) else ()
        for layer in layers:
            yield Attestation(layer.annotations.get(_PREDICATE, layer.media_type), layer.digest, layer.size)


def _referring(hub: Hub, name: str, subjects: set[Digest]) -> Iterator[Attestation]:
    """Manifests that name one of these as their subject: signatures, SBOMs."""
    for subject in sorted(subjects):
        for one in hub.manifests.list_referrers(name, subject, "", ("", 50)):
            yield Attestation(one.artifact_type or one.media_type, one.digest, one.size)


def is_image(manifest: Manifest) -> bool:
    """Whether it is an image, and no other artifact."""
    return not manifest.artifact_type and manifest.config.media_type in media.CONFIGS
