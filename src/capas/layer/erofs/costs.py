"""What a small tar could make huge or slow, bounded: the paths noted of a layer, the links on the way to a place."""

from __future__ import annotations

from capas.errors import Exhausted, Unsupported

_LONGEST_TARGET = 4095  # as Linux
_MOST_NOTED = 64 << 20
_FREE_PARTS = 1 << 20
_PARTS_OF_ENTRY = 64


class Costs:
    """Counts what a layer's entries have cost so far, against what so many entries may cost."""

    def __init__(self) -> None:
        self.entries = 0
        self._noted = 0
        self._parts = 0

    def note(self, size: int) -> None:
        """A path of this many bytes is to be noted, as that of a directory that is not listed. Raises: Exhausted."""
        self._noted += size
        if self._noted > _MOST_NOTED:
            raise Exhausted("a layer with more than {limit} bytes of paths that it does not list", limit=_MOST_NOTED)

    def follow(self, parts: int) -> None:
        """A link of this many parts is followed. Raises: Exhausted."""
        self._parts += parts
        if self._parts > _FREE_PARTS + _PARTS_OF_ENTRY * self.entries:
            raise Exhausted("a layer of {count} entries that leads through too many links", count=self.entries)


def check_target(target: bytes) -> None:
    """See that a symbolic link's target is no longer than Linux takes. Raises: Unsupported."""
    if len(target) > _LONGEST_TARGET:
        raise Unsupported("the link's target {target!r}… is longer than a path can be", target=target[:200])
