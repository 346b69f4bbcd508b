"""What this hub knows of one upstream: manifests by tag and digest, checked again when their time is over.

A tag is looked up by HEAD, which registries do not count, and what it points at is fetched by digest where it is not
here. An index is kept as its bytes: of what it lists, only what somebody asks for is fetched. That an index, or a
manifest, may lack what it names is so in these repositories alone; a push into any other is held to be whole.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from capas.errors import CapasError, Corrupt, Denied, Exhausted, NotFound, Unauthenticated, Unavailable
from capas.hub.copying.held import Held
from capas.hub.copying.limits import Patient
from capas.hub.copying.memory import Memory
from capas.hub.copying.upstream import Upstream
from capas.hub.distribution.manifests import read_manifest
from capas.hub.distribution.refusal import Refused
from capas.hub.records.copies import Copies
from capas.hub.records.manifests import Manifests
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES
from capas.reference import Reference
from capas.registry.client import Client, Repository
from capas.registry.credentials import Login
from capas.registry.endpoint import Endpoint
from capas.settings import Settings

_REFUSED_SECONDS = 30.0  # that something is not there, or not for us, is believed for so long
_ABSENT = (NotFound, Denied, Unauthenticated)
_DOWN = (Unavailable, Exhausted, Corrupt)


class Place(NamedTuple):
    """A repository of an upstream: its name in this hub, and its path there."""

    cache: Cache
    name: str
    path: str


class Counts:
    """What came of the requests since this process began."""

    def __init__(self) -> None:
        self.hits = self.misses = self.stale = self.fetched_bytes = 0


class Kept(NamedTuple):
    """The records that a cache writes."""

    manifests: Manifests
    copies: Copies
    held: Callable[[str], Held]  # what a repository holds already


class Cache:
    """One upstream. Its methods talk to it, so they are called in threads."""

    def __init__(
        self, upstream: Upstream, kept: Kept, patient: Patient, settings: Settings, now_ns: Callable[[], int]
    ) -> None:
        self.upstream = upstream
        self.patient = patient
        self.counts = Counts()
        self._kept = kept
        self._now_ns = now_ns
        login = Login(upstream.username, upstream.password) if upstream.username else None
        self._client = Client(settings, find=lambda domain, path: login, transport=patient)
        self._session = self._client.session(Endpoint(upstream.host, (upstream.base,)))
        self._trusted: Memory[tuple[str, str], bool] = Memory(now_ns)
        self._refused: Memory[tuple[str, str], CapasError] = Memory(now_ns)
        self._tags: Memory[str, list[str]] = Memory(now_ns)
        self._referrers: Memory[tuple[str, Digest], list[Descriptor]] = Memory(now_ns)
        self._log = logging.getLogger("capas.hub")

    def repository(self, place: Place) -> Repository:
        """The repository there."""
        return Repository(self._client, Reference(self.upstream.host, place.path), self._session, ())

    def is_current(self, place: Place, reference: str) -> bool:
        """Whether what is here of a tag or digest may be given without asking. Cheap: for the event loop."""
        if ":" not in reference and self._trusted.find((place.name, reference)) is None:
            return False
        return self._kept.manifests.find_manifest(place.name, reference) is not None

    def refresh(self, place: Place, reference: str) -> bool:
        """Make the tag or digest here what it is there. True where it could not be asked, and an older answer is here.

        Raises: NotFound, Denied, Unauthenticated for what is not there, or not for us; Unavailable, Exhausted,
        Corrupt where there is no older answer.
        """
        key = (place.name, reference)
        self._raise_refused(key)
        here = self._kept.manifests.find_manifest(place.name, reference)
        if here is not None and ":" in reference:
            return False
        try:
            self._follow(place, reference, here.digest if here else None)
        except _ABSENT as error:
            self._refused.keep(key, error, _REFUSED_SECONDS)
            if here is not None and isinstance(error, NotFound):
                self._kept.manifests.delete_tag(place.name, reference, now_ns=self._now_ns())
            raise
        except _DOWN as error:
            if here is None:
                raise
            self.counts.stale += 1
            self._log.warning("%s:%s is served as it was: %s", place.name, reference, error)
            return True
        if ":" not in reference:
            self._trusted.keep(key, True, self.upstream.trust_seconds)
        return False

    def find_size(self, place: Place, digest: Digest) -> int:
        """The size of a blob of the repository: what a manifest says that is here, or else the upstream.

        Raises: as `refresh`.
        """
        key = (place.name, str(digest))
        self._raise_refused(key)
        named = self._kept.copies.find_named_size(place.name, digest)
        return self.ask_size(place, digest) if named is None else named

    def ask_size(self, place: Place, digest: Digest) -> int:
        """The size of a blob, asked of the upstream: it says so, and so the blob is there. Raises: as `refresh`."""
        key = (place.name, str(digest))
        try:
            size = self.repository(place).stat_blob(digest)
            if size is None:
                raise NotFound("no such blob: {digest}", digest=digest)
        except _ABSENT as error:
            self._refused.keep(key, error, _REFUSED_SECONDS)
            raise
        return size

    def read_again(self, place: Place, digest: Digest) -> None:
        """A blob has come: where it is the config of an image that is here, more is known of that image now."""
        for stored in self._kept.copies.list_unread(place.name, digest):
            new = read_manifest(self._kept.held(place.name), stored.digest, stored.data, stored.media_type)
            self._kept.manifests.put_manifest(place.name, new, None, self._now_ns(), whole=False)

    def list_tags(self, place: Place) -> list[str]:
        """The tags there, in order; those here where it cannot be asked. Raises: as `refresh`."""
        found = self._tags.find(place.name)
        if found is None:
            self._raise_refused((place.name, ""))
            try:
                found = sorted(self.repository(place).list_tags())
            except _ABSENT as error:
                self._refused.keep((place.name, ""), error, _REFUSED_SECONDS)
                raise
            except _DOWN:
                if not self._kept.manifests.has_repository(place.name):
                    raise
                return self._kept.manifests.list_tags(place.name, "", 10_000)
            self._tags.keep(place.name, found, self.upstream.trust_seconds)
        return found

    def list_referrers(self, place: Place, subject: Digest) -> list[Descriptor]:
        """The manifests there that are about this one. Raises: as `refresh`."""
        found = self._referrers.find((place.name, subject))
        if found is None:
            found = self.repository(place).referrers(subject)
            self._referrers.keep((place.name, subject), found, self.upstream.trust_seconds)
        return found

    def _raise_refused(self, key: tuple[str, str]) -> None:
        refused = self._refused.find(key)
        if refused is not None:
            raise refused

    def _follow(self, place: Place, reference: str, here: Digest | None) -> None:
        repository, tag = self.repository(place), None if ":" in reference else reference
        self._check_platform(place, reference)
        target = reference
        if tag is not None:
            head = repository.head_manifest(tag)
            if head is not None and head.size > MAX_BYTES:
                raise Corrupt("the manifest of {name} has {size} bytes", name=place.name, size=head.size)
            if head is not None:
                if head.digest == here:
                    self.counts.hits += 1
                    return
                if self._kept.manifests.find_manifest(place.name, head.digest):
                    self._kept.copies.point(place.name, tag, head.digest, self._now_ns())
                    return
                target = head.digest
        self.counts.misses += 1
        fetched = repository.get_manifest(target)
        try:
            new = read_manifest(self._kept.held(place.name), fetched.digest, fetched.data, fetched.media_type)
        except Refused as refused:
            raise Corrupt("{name}: {why}", name=place.name, why=str(refused)) from None
        self._kept.copies.prepare(place.name, is_public=self.upstream.is_public, now_ns=self._now_ns())
        self._kept.manifests.put_manifest(place.name, new, tag, self._now_ns(), whole=False)

    def _check_platform(self, place: Place, reference: str) -> None:
        if self.upstream.platforms and ":" in reference:
            platform = self._kept.copies.find_platform(place.name, Digest(reference))
            if not self.upstream.wants(platform):
                raise NotFound("{name} is kept for some platforms only", name=place.name)
