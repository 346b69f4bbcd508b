"""The cache as one build sees it: this machine's, and those that it was told to read."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence

from capas.build.cache import BuildCache
from capas.build.caching.document import Entries
from capas.build.vertex import Made


class StepCache:
    """Looks here first, then in the caches that were read, in their order. Safe from many threads.

    What came from elsewhere is used by this build alone: it was asked for here, and the next build asks for itself.
    `learned` is what this build saw, to be written into other caches.
    """

    def __init__(self, local: BuildCache) -> None:
        self.local = local
        self._lock = threading.Lock()
        self._read: list[Entries] = []
        self._foreign: set[object] = set()
        self._steps: dict[str, Made] = {}

    def read(self, entries: Entries) -> None:
        """Use these too, after those that were read before."""
        with self._lock:
            self._read.append(entries)
            self._foreign.update(map(_identity, entries.values()))

    def find_all(self, key: str) -> Iterator[Made]:
        """All that this key gave, here and elsewhere: the blob of one may be gone, of another not."""
        known = self.local.find(key)
        if known is not None:
            yield known
        yield from (entries[key] for entries in self._read if key in entries)

    def use(self, keys: Iterable[str], made: Made) -> None:
        """A step of this build has this result."""
        with self._lock:
            self._steps.update(dict.fromkeys(keys, made))

    def put(self, keys: Sequence[str], made: Made, title: str = "") -> None:
        """Remember that each of these keys gives this. `title` tells people what it is."""
        self.use(keys, made)
        if _identity(made) not in self._foreign:
            self.local.put(keys, made, title)

    def knows(self, family: str) -> bool:
        """Whether a step of this family may have been made: here it was, or other caches were read."""
        return bool(self._read) or self.local.knows(family)

    def note(self, family: str) -> None:
        """A step of this family has been made: a content key may now help."""
        self.local.note(family)

    @property
    def learned(self) -> Entries:
        """Every step of this build, under all keys that are known to have given its layer."""
        with self._lock:
            steps = dict(self._steps)
        others = {_identity(made): made for made in steps.values()}
        for entries in self._read:
            steps |= {key: made for key, made in entries.items() if made.layer and _identity(made) in others}
        for made in others.values():
            steps |= dict.fromkeys(self.local.list_keys(made), made)
        return steps


def _identity(made: Made) -> object:
    """What tells results apart: the layer's bytes, and when it was made."""
    layer = made.layer
    return (None if layer is None else (layer.diff_id, layer.descriptor.digest), made.created_ns)
