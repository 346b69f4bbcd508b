"""What is remembered for a while, of what another registry said."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_MOST = 10_000


class Memory(Generic[K, V]):
    """Values that are forgotten when their time is over, or when there are too many. Safe from any thread."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._kept: OrderedDict[K, tuple[int, V]] = OrderedDict()

    def keep(self, key: K, value: V, seconds: float) -> None:
        """Remember it for so long."""
        with self._lock:
            self._kept[key] = (self._now_ns() + int(seconds * 1e9), value)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def find(self, key: K) -> V | None:
        """The value, while its time lasts."""
        with self._lock:
            until, value = self._kept.get(key, (0, None))
        return value if until > self._now_ns() else None

    def drop(self, key: K) -> None:
        """Forget it. Idempotent."""
        with self._lock:
            self._kept.pop(key, None)
