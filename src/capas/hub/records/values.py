"""What the records of the distribution API give and take: manifests, what they need, who holds which blob."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from capas.errors import Denied
from capas.hub.events import Kind
from capas.oci.digest import Digest


class RuledOut(Denied):
    """What a rule of the repository or of its namespace forbids; its words are for the client."""


class StoredManifest(NamedTuple):
    """A manifest or index as it was pushed."""

    digest: Digest
    media_type: str
    data: bytes


class Need(NamedTuple):
    """Something that a manifest points at, and that has to be in its repository."""

    digest: Digest
    size: int
    is_manifest: bool


class Child(NamedTuple):
    """What an index points at. `kind`: image, attestation, index or other; `platform` as the index says."""

    digest: Digest
    kind: str
    platform: str


class Profile(NamedTuple):
    """What a manifest says of its image. `image` is its config's digest; empty for what is no image.

    `image_bytes`: config and layers, as stored. `created_ns`: 0 where the config does not say.
    """

    image: str = ""
    platform: str = ""
    image_bytes: int = 0
    created_ns: int = 0
    children: tuple[Child, ...] = ()


class NewManifest(NamedTuple):
    """A manifest to be kept, with what the records need to know of it.

    `may_move`: whether who pushes it (`actor`) may point a tag that is there at it.
    """

    stored: StoredManifest
    needs: tuple[Need, ...]
    subject: Digest | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = {}
    profile: Profile = Profile()
    may_move: bool = True
    actor: str = ""


class Missing(NamedTuple):
    """Why a manifest was not taken: a blob or manifest that is not there, or has another size (`size`)."""

    digest: Digest
    size: int | None


class Gone(NamedTuple):
    """What a deletion took away: a tag and what it pointed at, or (without a tag) the manifest itself."""

    tag: str
    digest: Digest

    @property
    def kind(self) -> Kind:
        """As which event it is told."""
        return "untag" if self.tag else "delete"


class Referrer(NamedTuple):
    """A manifest that names another as its subject."""

    digest: Digest
    media_type: str
    size: int
    artifact_type: str
    annotations: dict[str, str]


class Link(NamedTuple):
    """A blob held by a repository. `linked_ns` is when a push last counted on it."""

    size: int
    linked_ns: int
