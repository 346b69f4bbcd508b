"""A tag of this hub sent to another registry: blobs that it lacks, manifests, what refers to them; the tag last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from capas.errors import CapasError, NotFound, Unsupported
from capas.events import Advanced, Event
from capas.hub.copying.held import Held
from capas.hub.copying.replication.remote import find_there, open_repository
from capas.hub.copying.replication.rules import Rule
from capas.hub.copying.replication.runs import Item
from capas.hub.hub import Hub
from capas.image.index import ImageIndex, open_top
from capas.oci.digest import Digest
from capas.reference import Reference
from capas.registry.client import Client
from capas.registry.push import push

_HOLDERS = 20
_MOST_REFERRERS = 1000
_DEPTH = 3  # of referrers of referrers


class Sending:
    """What one run sends. `check` is called between chunks and may raise."""

    def __init__(self, hub: Hub, rule: Rule, client: Client, check: Callable[[], None]) -> None:
        self._hub = hub
        self._rule = rule
        self._client = client
        self._check = check
        self._lock = threading.Lock()
        self._sent: dict[str, int] = {}

    def copy(self, name: str, reference: str) -> Item:
        """Send a tag, or a manifest by its digest. Raises: as the registry refuses; NotFound; Unavailable."""
        hub, rule = self._hub, self._rule
        found = hub.manifests.find_manifest(name, reference)
        if found is None:
            raise NotFound("{digest} is not in {repository}", digest=reference, repository=name)
        path = rule.target_of(name)
        there = find_there(open_repository(self._client, rule, path), reference)
        self._sent.clear()
        if there is None or there.digest != found.digest:
            self._push(name, Reference(rule.host, path, None if ":" in reference else reference), found.digest)
        news = self._send_referrers(name, path, found.digest)
        same = there is not None and there.digest == found.digest and not news
        return Item(name, reference, found.digest, "same" if same else "copied", sent_bytes=sum(self._sent.values()))

    def delete(self, name: str, tag: str, digest: str, others: Sequence[str]) -> Item:
        """Delete what this rule put under the tag, unless it means something else there by now.

        `others`: tags of this rule there that mean the same. Raises: as the registry refuses.
        """
        repository = open_repository(self._client, self._rule, self._rule.target_of(name))
        there = find_there(repository, tag)
        if there is None or there.digest != digest:
            return Item(name, tag, digest, "deleted", why="it was not there any more")
        try:
            repository.delete_tag(tag)
        except CapasError:
            if others:
                raise Unsupported(
                    "{host} deletes no single tag, and {others} means the same image",
                    host=self._rule.host, others=", ".join(others[:5]),
                ) from None  # fmt: skip
            repository.delete_manifest(Digest(digest))
        return Item(name, tag, digest, "deleted")

    def _push(self, name: str, target: Reference, digest: Digest) -> None:
        held = Held(name, self._hub.manifests, self._hub.links, self._hub.blobs)
        by_digest = target.tag is None
        push(
            self._client, target, open_top(held, digest), by_digest=by_digest, sources=self._sources(name),
            report=self._hear,
        )  # fmt: skip

    def _sources(self, name: str) -> Callable[[Digest], list[tuple[str, str]]]:
        """Where a blob may be at the target: in the copies of our other repositories that hold it."""

        def sources(digest: Digest) -> list[tuple[str, str]]:
            holders = self._hub.links.list_holders(digest, _HOLDERS)
            covered = (one for one in holders if one != name and self._rule.covers(one))
            return [(self._rule.host, self._rule.target_of(one)) for one in covered]

        return sources

    def _send_referrers(self, name: str, path: str, subject: Digest, depth: int = _DEPTH) -> int:
        """Signatures, bills of materials and the like of a manifest and of those it lists; how many were new."""
        new = 0
        repository = open_repository(self._client, self._rule, path)
        for one in self._hub.manifests.list_referrers(name, subject, "", ("", _MOST_REFERRERS)) if depth else ():
            if find_there(repository, one.digest) is None:
                self._push(name, Reference(self._rule.host, path), one.digest)
                new += 1
            new += self._send_referrers(name, path, one.digest, depth - 1)
        held = Held(name, self._hub.manifests, self._hub.links, self._hub.blobs)
        top = open_top(held, subject)
        if isinstance(top, ImageIndex):
            new += sum(self._send_referrers(name, path, child.digest, depth) for child in top.manifests)
        return new

    def _hear(self, event: Event) -> None:
        self._check()
        if isinstance(event, Advanced):
            with self._lock:
                self._sent[event.id] = max(self._sent.get(event.id, 0), event.done)
