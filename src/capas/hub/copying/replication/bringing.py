"""A tag of another registry brought here: blobs that are lacking, manifests, what refers to them; the tag last.

It comes in as a push does: whole, under the rules of the repository (immutable tags, quotas), and told of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from capas.errors import Corrupt, Invalid
from capas.hub.copying.held import Held
from capas.hub.copying.replication.remote import find_there, open_repository
from capas.hub.copying.replication.rules import Rule
from capas.hub.copying.replication.runs import Item
from capas.hub.copying.replication.taking import take_blob
from capas.hub.distribution.manifests import read_manifest
from capas.hub.distribution.refusal import Refused
from capas.hub.events import Happened
from capas.hub.hub import Hub
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.manifest import Index, Manifest, parse_manifest
from capas.parallel import Nursery
from capas.registry.client import Client, Repository
from capas.registry.manifests import Fetched

_AT_ONCE = 4
_DEPTH = 4
_ACTOR = "replication"


class Bringing:
    """What one run brings. `check` is called between chunks and may raise."""

    def __init__(self, hub: Hub, rule: Rule, client: Client, check: Callable[[], None]) -> None:
        self._hub = hub
        self._rule = rule
        self._client = client
        self._check = check
        self._fetched_bytes = 0

    def copy(self, path: str, reference: str) -> Item:
        """Bring a tag. Raises: NotFound; Denied; Corrupt; Unavailable; RuledOut for a tag that is not to move."""
        hub, name = self._hub, self._rule.target_of(path)
        repository = open_repository(self._client, self._rule, path)
        self._fetched_bytes = 0
        here = hub.manifests.find_manifest(name, reference)
        head = find_there(repository, reference) if here is not None else None
        if here is not None and head is not None and head.digest == here.digest:
            digest, moved = here.digest, False
        else:
            fetched = repository.get_manifest(reference)
            self._bring(repository, name, fetched, reference, _DEPTH)
            digest, moved = fetched.digest, True
        news = self._bring_referrers(repository, name, digest, _DEPTH)
        outcome = "copied" if moved or news else "same"
        return Item(path, reference, digest, outcome, sent_bytes=self._fetched_bytes)

    def delete(self, path: str, tag: str, digest: str, others: Sequence[str]) -> Item:
        """Delete the tag here, unless it means something else by now. Raises: RuledOut for an immutable one."""
        hub, name = self._hub, self._rule.target_of(path)
        here = hub.manifests.find_manifest(name, tag)
        if here is None or here.digest != digest:
            return Item(path, tag, digest, "deleted", why="it was not there any more")
        for gone in hub.manifests.delete_tag(name, tag, actor=_ACTOR, now_ns=hub.now_ns()):
            hub.tell(Happened("untag", name, gone.tag, gone.digest, _ACTOR, hub.now_ns()))
        return Item(path, tag, digest, "deleted")

    def _bring(self, repository: Repository, name: str, fetched: Fetched, tag: str | None, depth: int) -> None:
        """A manifest or index with all below it."""
        if depth == 0:
            raise Corrupt("the indexes of {image} are nested without end", image=name)
        hub, document = self._hub, parse_manifest(fetched.data, fetched.media_type)
        if isinstance(document, Index):
            for child in document.manifests:
                self._bring_child(repository, name, child, depth - 1)
        else:
            self._bring_blobs(repository, name, document)
        held = Held(name, hub.manifests, hub.links, hub.blobs)
        try:
            new = read_manifest(held, fetched.digest, fetched.data, fetched.media_type)
        except Refused as refused:
            raise Invalid("{name}: {why}", name=name, why=str(refused)) from None
        missing = hub.manifests.put_manifest(name, new._replace(actor=_ACTOR), tag, hub.now_ns())
        if missing:
            raise Corrupt("{name} lacks {digest}, which its manifest names", name=name, digest=missing[0].digest)
        hub.tell(Happened("push", name, tag or "", fetched.digest, _ACTOR, hub.now_ns()))

    def _bring_child(self, repository: Repository, name: str, child: Descriptor, depth: int) -> None:
        if child.media_type not in media.MANIFESTS | media.INDEXES:
            self._bring_blob(repository, name, child)
        elif self._hub.manifests.find_manifest(name, child.digest) is None:
            fetched = repository.get_manifest(child.digest)
            typed = fetched._replace(media_type=fetched.media_type or child.media_type)
            self._bring(repository, name, typed, None, depth)

    def _bring_blobs(self, repository: Repository, name: str, document: Manifest) -> None:
        layers = [layer for layer in document.layers if not (media.is_foreign(layer.media_type) and layer.urls)]
        self._bring_blob(repository, name, document.config)  # alone: it opens the way for those that go at once
        wanted = {blob.digest: blob for blob in layers if blob.digest != document.config.digest}
        with Nursery(_AT_ONCE) as nursery:
            for blob in sorted(wanted.values(), key=lambda blob: -blob.size):
                nursery.start(self._bring_blob, repository, name, blob)

    def _bring_blob(self, repository: Repository, name: str, blob: Descriptor) -> None:
        self._check()
        link = self._hub.links.find_link(name, blob.digest)
        here = link is not None and self._hub.blobs.stat(blob.digest) == blob.size
        if not (here and self._hub.links.renew(name, blob.digest, self._hub.now_ns())):  # we count on it from now on
            self._fetched_bytes += take_blob(self._hub, name, repository, blob, self._check)

    def _bring_referrers(self, repository: Repository, name: str, subject: Digest, depth: int) -> int:
        new = 0
        for one in repository.referrers(subject) if depth else ():
            if self._hub.manifests.find_manifest(name, one.digest) is None:
                self._bring(repository, name, repository.get_manifest(one.digest), None, depth)
                new += 1
            new += self._bring_referrers(repository, name, one.digest, depth - 1)
        stored = self._hub.manifests.find_manifest(name, subject)
        document = parse_manifest(stored.data, stored.media_type) if stored else None
        if isinstance(document, Index) and depth:
            children = document.manifests
            new += sum(self._bring_referrers(repository, name, child.digest, depth - 1) for child in children)
        return new
