"""Where parts of contexts lie while a build mounts them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path


class Spreads:
    """Parts of contexts laid out once for all the steps that only read them. Safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[tuple[str, str], Path] = {}

    def get(self, context: str, source: str, make: Callable[[], Path]) -> Path:
        """Where this part lies; `make` lays it out if need be."""
        with self._lock:
            found = self._places.get((context, source))
            if found is None:
                found = self._places[(context, source)] = make()
            return found
