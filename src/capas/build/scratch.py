"""Files of one build: a directory held while it runs, gone with it; what killed builds left is cleared by the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from capas.run.claims import claim, claim_dead, is_held
from capas.snapshot.contract import Snapshotter
from capas.store.disk import disk_errors

_PREFIX = "build-"


class Scratch:
    """A place for files without lasting names. Safe from many threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._count = 0

    def new_path(self) -> Path:
        """A new path for a file."""
        return self.path / f"file-{self._next()}"

    def new_key(self) -> str:
        """A new name for a snapshot or an ingest, which says whose it is."""
        return f"{_PREFIX}{self.path.name}-{self._next()}"

    def _next(self) -> int:
        with self._lock:
            self._count += 1
            return self._count


@contextmanager
def opened_scratch(root: Path, name: str, *, bury: Callable[[str], object] = lambda prefix: None) -> Iterator[Scratch]:
    """The scratch of a build for a block. Raises: Exhausted; Denied.

    `bury` is called for each build that was killed, with what its names of snapshots and ingests began with.
    """
    with disk_errors(root):
        for dead in claim_dead(root):
            bury(f"{_PREFIX}{dead.folder.name}-")
            dead.release()
        held = claim(root, name)
    with held:
        yield Scratch(held.folder)


def remove_dead_snapshots(snapshotter: Snapshotter, root: Path) -> None:
    """Remove the half-made steps of builds that were killed; those of living builds stay."""
    for info in list(snapshotter.iterate()):
        if info.kind != "committed" and info.name.startswith(_PREFIX):
            owner = info.name.removeprefix(_PREFIX).rpartition("-")[0]
            if not is_held(root / owner):
                snapshotter.remove(info.name)
