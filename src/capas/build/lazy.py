"""Blobs that may still be elsewhere: a layer of a base or a cache is brought when somebody reads it, and not before."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

from capas.layer.entry import Layer, LayerReceiver
from capas.oci.digest import Digest
from capas.parallel import Nursery
from capas.store.contract import BlobStore, Ingest

Bring = Callable[[LayerReceiver | None], None]
"""Gets a layer's blob into the store, verified, and its tar to a receiver in the same pass where there is one."""


class Elsewhere:
    """The layers that are known to be elsewhere, and how each is brought. Safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._brings: dict[Digest, Bring] = {}
        self._repositories: dict[Digest, list[tuple[str, str]]] = defaultdict(list)

    def add(self, digest: Digest, bring: Bring, repository: tuple[str, str] | None) -> None:
        """Note one; the first who says so will be asked."""
        with self._lock:
            self._brings.setdefault(digest, bring)
            if repository is not None:
                self._repositories[digest].append(repository)

    def find(self, digest: Digest) -> Bring | None:
        """How a layer is brought."""
        return self._brings.get(digest)

    def repositories_of(self, digest: Digest) -> Sequence[tuple[str, str]]:
        """Registries and repositories that are said to have it."""
        return tuple(self._repositories.get(digest, ()))


class LazyBlobs:
    """A build's blobs: those here, and layers that are known to be elsewhere, which open like the others.

    Safe from many threads. Builds in one graph share what is `elsewhere`.
    """

    def __init__(self, blobs: BlobStore, elsewhere: Elsewhere | None = None) -> None:
        self._blobs = blobs
        self.elsewhere = elsewhere or Elsewhere()

    def expect(self, layer: Layer, bring: Bring, repository: tuple[str, str] | None = None) -> None:
        """A layer can be had by `bring`; `repository` (registry and path) has it."""
        self.elsewhere.add(layer.descriptor.digest, bring, repository)

    def repositories_of(self, digest: Digest) -> Sequence[tuple[str, str]]:
        """Registries and repositories that are said to have the blob."""
        return self.elsewhere.repositories_of(digest)

    def bring(self, digest: Digest, receiver: LayerReceiver | None = None) -> bool:
        """Bring a layer that is not here, its tar to the receiver too. False for one that is here: nothing is done."""
        bring = None if self._blobs.contains(digest) else self.elsewhere.find(digest)
        if bring is None:
            return False
        bring(receiver)
        return True

    def bring_all(self, digests: Iterable[Digest], limit: int) -> None:
        """Bring what is missing of these, several at once. Raises: what bringing one raises."""
        missing = [digest for digest in dict.fromkeys(digests) if not self._blobs.contains(digest)]
        if missing:
            with Nursery(limit) as nursery:
                for digest in missing:
                    nursery.start(self.bring, digest)

    def open(self, digest: Digest) -> BinaryIO:
        """The blob, brought first where it is elsewhere. Raises: NotFound; Corrupt; Unavailable."""
        self.bring(digest)
        return self._blobs.open(digest)

    def contains(self, digest: Digest) -> bool:
        """Whether `open` would find it, here or elsewhere."""
        return self._blobs.contains(digest) or self.elsewhere.find(digest) is not None

    def stat(self, digest: Digest) -> int | None:
        """Its size where it is here."""
        return self._blobs.stat(digest)

    def ingest(self, name: str) -> Ingest:
        """Begin or resume a write. Raises: Conflict."""
        return self._blobs.ingest(name)

    def delete(self, digest: Digest) -> None:
        """Remove it. Idempotent."""
        self._blobs.delete(digest)

    def iterate(self) -> Iterator[tuple[Digest, int]]:
        """Every blob that is here."""
        return self._blobs.iterate()
