"""What a hub remembers besides bytes: manifests, tags, and which repository holds which blob.

Two small contracts, so that another database can take the place of SQLite. Every method is atomic, safe from any
thread and process, and on disk when it returns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from capas.oci.digest import Digest


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


class NewManifest(NamedTuple):
    """A manifest to be kept, with what the records need to know of it."""

    stored: StoredManifest
    needs: tuple[Need, ...]
    subject: Digest | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = {}


class Missing(NamedTuple):
    """Why a manifest was not taken: a blob or manifest that is not there, or has another size (`size`)."""

    digest: Digest
    size: int | None


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


class Manifests(Protocol):
    """Manifests and tags by repository."""

    def has_repository(self, name: str) -> bool:
        """Whether anything was ever pushed there and not collected."""

    def list_repositories(self, after: str, limit: int) -> list[str]:
        """At most `limit` names that sort after `after`, in order."""

    def find_manifest(self, name: str, reference: str) -> StoredManifest | None:
        """By tag, or by digest."""

    def put_manifest(self, name: str, new: NewManifest, tag: str | None, now_ns: int) -> list[Missing]:
        """Keep it and point the tag at it; or change nothing and say what is missing."""

    def delete_manifest(self, name: str, digest: Digest) -> bool:
        """Forget it and the tags that point at it. False where it was not there."""

    def delete_tag(self, name: str, tag: str) -> bool:
        """Forget the tag alone. False where it was not there."""

    def list_tags(self, name: str, after: str, limit: int) -> list[str]:
        """At most `limit` tags that sort after `after`, in order."""

    def list_referrers(self, name: str, subject: Digest, artifact_type: str, page: tuple[str, int]) -> list[Referrer]:
        """Those with this subject (and type, unless empty), by digest. `page`: after which digest, how many."""


class Links(Protocol):
    """Which repository holds which blob: what is not linked there does not exist there."""

    def find_link(self, name: str, digest: Digest) -> Link | None:
        """The link, None where the repository does not hold the blob."""

    def link(self, name: str, digest: Digest, size: int, now_ns: int) -> None:
        """The repository holds the blob from now on. Again: a push counts on it now."""

    def unlink(self, name: str, digest: Digest) -> bool:
        """The repository holds it no more. False where it did not."""

    def mount(self, name: str, digest: Digest, source: str, now_ns: int) -> bool:
        """Link what `source` links, in one step. False where it does not."""

    def list_holders(self, digest: Digest, limit: int) -> list[str]:
        """Some repositories that hold the blob."""

    def expire_links(self, before_ns: int) -> int:
        """Drop the links that no manifest of their repository needs and no push counted on since; how many."""

    def list_unlinked(self, digests: Sequence[Digest]) -> Collection[Digest]:
        """Those of them that no repository holds."""


class Records(Manifests, Links, Protocol):
    """Both, over one database."""

    def close(self) -> None:
        """Let go of the database."""
