"""Stacked layers seen as one tree without a mount: what overlayfs would show, by the layers' notes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from capas.errors import Corrupt
from capas.layer.paths import join
from capas.snapshot.notes import Lower

_MOST_LINKS = 40  # as Linux


class Found(NamedTuple):
    """What is at a path: where it really is, what it is, and for a directory the layers that have a part in it."""

    path: bytes
    real: bytes
    status: os.stat_result
    lowers: tuple[Lower, ...]

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.status.st_mode)


class Union:
    """Layers, topmost first. No link is followed but by `resolve`."""

    def __init__(self, lowers: Sequence[Lower]) -> None:
        self.lowers = tuple(lowers)
        self._hidden = {id(lower): _by_folder(lower.notes.whiteouts) for lower in self.lowers}

    def find(self, path: bytes) -> Found | None:
        """What is at a path."""
        found = self._merge(b"", self.lowers)
        here = b""
        for part in path.split(b"/") if path else ():
            if found is None or not found.is_directory:
                return None
            here = join(here, part)
            found = self._merge(here, found.lowers)
        return found

    def resolve(self, path: bytes) -> bytes:
        """The path with every link on it followed inside the root; parts that are not there stay. Raises: Corrupt."""
        waiting, here, links = path.split(b"/")[::-1], b"", 0
        while waiting:
            part = waiting.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                here = here.rpartition(b"/")[0]
                continue
            found = self.find(join(here, part))
            if found is None or not found.is_link:
                here = join(here, part)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise Corrupt("too many links on the way to /{path}", path=os.fsdecode(path[:200]))
            target = os.readlink(found.real)
            waiting += reversed(target.split(b"/"))
            here = b"" if target.startswith(b"/") else here
        return here

    def walk(self) -> Iterator[Found]:
        """Everything, the root first and a directory before what is in it."""
        top = self.find(b"")
        waiting = [top] if top is not None else []
        while waiting:
            folder = waiting.pop()
            yield folder
            for found in self.list(folder):
                if found.is_directory:
                    waiting.append(found)
                else:
                    yield found

    def list(self, folder: Found) -> list[Found]:
        """What is in a directory, sorted."""
        seen: dict[bytes, tuple[bytes, os.stat_result, list[Lower]]] = {}
        closed: set[bytes] = set()
        for lower in folder.lowers:
            hidden = self._hidden[id(lower)].get(folder.path, frozenset())
            self._list_one(lower, folder.path, seen, closed | hidden, closed)
            closed |= hidden
        return [Found(path, real, status, tuple(lowers)) for path, (real, status, lowers) in sorted(seen.items())]

    def _list_one(
        self,
        lower: Lower,
        folder: bytes,
        seen: dict[bytes, tuple[bytes, os.stat_result, list[Lower]]],
        hidden: set[bytes],
        closed: set[bytes],
    ) -> None:
        with os.scandir(join(lower.files, folder)) as entries:
            for entry in entries:
                path = join(folder, entry.name)
                if path in hidden:
                    continue
                is_directory = entry.is_dir(follow_symlinks=False)
                if path in seen:
                    if is_directory:
                        seen[path][2].append(lower)
                else:
                    seen[path] = (entry.path, entry.stat(follow_symlinks=False), [lower])
                if not is_directory or path in lower.notes.opaques:
                    closed.add(path)

    def _merge(self, path: bytes, lowers: Sequence[Lower]) -> Found | None:
        """What the layers that have a part in a directory have at a path in it."""
        first: Found | None = None
        parts: list[Lower] = []
        for lower in lowers:
            if path in lower.notes.whiteouts:
                break
            real = join(lower.files, path)
            try:
                status = os.lstat(real)
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                return first._replace(lowers=tuple(parts)) if first else Found(path, real, status, ())
            first = first or Found(path, real, status, ())
            parts.append(lower)
            if path in lower.notes.opaques:
                break
        return first._replace(lowers=tuple(parts)) if first else None


def _by_folder(paths: frozenset[bytes]) -> dict[bytes, frozenset[bytes]]:
    folders: dict[bytes, set[bytes]] = {}
    for path in paths:
        folders.setdefault(path.rpartition(b"/")[0], set()).add(path)
    return {folder: frozenset(inside) for folder, inside in folders.items()}
