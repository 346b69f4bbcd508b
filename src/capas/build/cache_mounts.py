"""Cache mounts: directories that RUN steps keep from one build to the next.

`<root>/<name>-<number>/` holds `fs`, what is mounted; `about.json`, whose it is; and `lock`, whose time is that of the
last use. A cache has several numbers where `sharing=private` steps ran at once. Whoever uses one holds its lock,
shared or alone; whoever removes it, alone: no cache goes while a step has it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Literal, NamedTuple

from capas.errors import Conflict, NotFound
from capas.snapshot.scratch import Scratch, unlock
from capas.snapshot.usage import tree_usage
from capas.store.disk import disk_errors, make_dirs
from capas.store.lock import is_same_file

Sharing = Literal["shared", "private", "locked"]
Fill = Callable[[Path], None]
_PAUSE_SECONDS = 0.05
_OURS = ("ingest", "trash")


class CacheKind(NamedTuple):
    """What makes two mounts the same cache. `base` names what it began with: "" for an empty directory."""

    id: str
    base: str = ""
    uid: int = 0
    gid: int = 0
    mode: int = 0o755

    @property
    def name(self) -> str:
        """The directory's name, made of all of it: an id may hold anything."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()[:32]


class CacheMount(NamedTuple):
    """A cache on disk. `last_used_ns` since 1970; `in_use` while a step has it."""

    name: str
    kind: CacheKind
    path: Path
    last_used_ns: int
    in_use: bool

    @property
    def is_first(self) -> bool:
        """Whether it is the one that shared and locked mounts have."""
        return self.name.endswith("-0")

    @property
    def size(self) -> int:
        """Bytes on disk, counted now: the whole cache is walked."""
        return tree_usage(self.path / "fs").size


class CacheMounts:
    """The cache mounts of this machine. Safe from many threads and processes."""

    def __init__(self, root: Path, clock: Callable[[], int]) -> None:
        self._root = root
        self._clock = clock
        self._scratch = Scratch(root)

    @contextmanager
    def held(
        self, kind: CacheKind, sharing: Sharing, *, fill: Fill | None = None, wait: Callable[[], None] = lambda: None
    ) -> Iterator[Path]:
        """The directory of a cache for a block, made and filled where it is new.

        "shared": with other sharers; "locked": alone, after those who have it; "private": alone, another one where
        this is taken. `wait` is called while waiting and may raise. Raises: Exhausted; what `fill` raises.
        """
        self._make_root()
        with disk_errors(self._root):
            place, lock = self._take(kind, sharing, wait)
        try:
            self._make(place, kind, fill)
            yield place / "fs"
        finally:
            now = self._clock()
            os.utime(lock, ns=(now, now))
            unlock(lock)

    def iterate(self) -> Iterator[CacheMount]:
        """Every cache, by the time of its last use."""
        found = (self._read(place) for place in self._places())
        return iter(sorted((one for one in found if one is not None), key=lambda one: one.last_used_ns))

    def remove(self, name: str) -> int:
        """Remove a cache; its size. Raises: NotFound; Conflict while a step uses it."""
        place = self._root / name
        found = self._read(place) if place in self._places() else None
        if found is None:
            raise NotFound("no cache mount {name}", name=name)
        lock = _try(place / "lock", fcntl.LOCK_EX)
        if lock is None:
            raise _in_use(found.kind)
        try:
            size = found.size
            self._scratch.discard(place)
        finally:
            unlock(lock)
        return size

    def restore(self, kind: CacheKind, fill: Fill, *, replace: bool = False) -> bool:
        """Make the cache anew of what `fill` writes; False where there is one already that is not to be replaced.

        Raises: Conflict while a step uses it; what `fill` raises, and the old one stays.
        """
        self._make_root()
        place = self._root / f"{kind.name}-0"
        place.mkdir(exist_ok=True, mode=0o700)
        lock = _try(place / "lock", fcntl.LOCK_EX)
        if lock is None:
            raise _in_use(kind)
        try:
            if (place / "fs").is_dir() and not replace:
                return False
            self._make(place, kind, fill, replace=True)
            now = self._clock()
            os.utime(lock, ns=(now, now))
            return True
        finally:
            unlock(lock)

    def _take(self, kind: CacheKind, sharing: Sharing, wait: Callable[[], None]) -> tuple[Path, int]:
        how = fcntl.LOCK_SH if sharing == "shared" else fcntl.LOCK_EX
        self._scratch.clean()
        while True:
            for number in count():
                place = self._root / f"{kind.name}-{number}"
                place.mkdir(exist_ok=True, mode=0o700)
                lock = _try(place / "lock", how)
                if lock is not None:
                    return place, lock
                if sharing != "private":
                    break
            wait()
            time.sleep(_PAUSE_SECONDS)

    def _make_root(self) -> None:
        with disk_errors(self._root):
            for folder in ("", *_OURS):
                make_dirs(self._root / folder)

    def _make(self, place: Path, kind: CacheKind, fill: Fill | None, *, replace: bool = False) -> None:
        """Atomic, and right beside another sharer who does the same: the first one to finish wins."""
        if (place / "fs").is_dir() and not replace:
            return
        with self._scratch.directory() as draft, disk_errors(place):
            tree = draft / "fs"
            if fill is not None:
                fill(tree)
            else:
                tree.mkdir()
                os.chown(tree, kind.uid, kind.gid)
                os.chmod(tree, kind.mode)
            (draft / "about.json").write_text(json.dumps(kind._asdict()))
            os.replace(draft / "about.json", place / "about.json")
            if replace:
                self._scratch.discard(place / "fs")
            try:
                os.rename(tree, place / "fs")
            except OSError:
                if not (place / "fs").is_dir():
                    raise

    def _places(self) -> Sequence[Path]:
        try:
            names = os.listdir(self._root)
        except FileNotFoundError:
            return []
        return [self._root / name for name in names if name not in _OURS]

    def _read(self, place: Path) -> CacheMount | None:
        try:
            about = json.loads((place / "about.json").read_text())
            used = os.stat(place / "lock").st_mtime_ns
        except (OSError, ValueError):  # being made, or gone
            return None
        lock = _try(place / "lock", fcntl.LOCK_EX)
        if lock is not None:
            unlock(lock)
        kind = CacheKind(**{name: about[name] for name in CacheKind._fields if name in about})
        return CacheMount(place.name, kind, place, used, lock is None)


def _in_use(kind: CacheKind) -> Conflict:
    return Conflict("cache mount {id} is in use", id=kind.id, hint="wait for the build that uses it")


def _try(path: Path, how: int) -> int | None:
    """The lock file, held, as a descriptor; None while another holds it or has just removed it."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
        if is_same_file(fd, path):
            return fd
    except BlockingIOError:
        pass
    os.close(fd)
    return None
