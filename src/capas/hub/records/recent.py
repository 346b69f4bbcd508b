"""What was read of the records at the moment that lasts: a small cache that never shows what is no longer so."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

T = TypeVar("T")

_MOST_BYTES = 64 * 1024 * 1024
_ENTRY_BYTES = 512  # about what a small entry takes


class Recent:
    """Used by one event loop. A new moment empties it; so does a full one, since what is hot is back at once."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._moment: object = None
        self._kept: dict[Hashable, object] = {}
        self._bytes = 0

    def turn(self, moment: object) -> None:
        """This is the moment now."""
        if moment != self._moment:
            self._moment = moment
            self._clear()

    def get(self, key: Hashable, kind: type[T]) -> T | None:
        """What is known at this moment. Keys begin with their noun."""
        found = self._kept.get(key)
        return found if isinstance(found, kind) else None

    def keep(self, moment: object, key: Hashable, value: object, size: int = 0) -> None:
        """Remember what was read at `moment` or later; if another moment has come meanwhile, forget it instead.

        Units: size in bytes, beyond a small entry's own.
        """
        if moment != self._moment:
            return
        self._bytes += size + _ENTRY_BYTES
        if self._bytes > self._most_bytes:
            self._clear()
        else:
            self._kept[key] = value

    def _clear(self) -> None:
        self._kept.clear()
        self._bytes = 0
