"""What each layer of a stack adds, and how much of it the layers above delete or overwrite again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from capas.layer.contents import Contents
from capas.layer.entry import DIRECTORY, FILE, HARDLINK, Entry
from capas.layer.marks import OPAQUE, WHITEOUT


class Weight(NamedTuple):
    """One layer: bytes and number of the files it adds, and bytes of those that are not in the image in the end."""

    size: int
    files: int
    waste: int


class _Body:
    """The bytes of a file, under one name or several."""

    __slots__ = ("layer", "names", "size")

    def __init__(self, layer: int, size: int) -> None:
        self.layer, self.size, self.names = layer, size, 1


class _Folder(dict[bytes, "_Folder | _Body"]):
    """What is in a directory."""


def weigh(layers: Sequence[Contents]) -> list[Weight]:
    """A weight for each layer, bottom first. A file counts once however many links it has.

    Paths are taken as the layers have them: no link to a directory is followed.
    Units: bytes of files, without headers and padding.
    """
    return _Scales().weigh(layers)


class _Scales:
    def __init__(self) -> None:
        self._root = _Folder()
        self._wasted: list[int] = []

    def weigh(self, layers: Sequence[Contents]) -> list[Weight]:
        added = []
        for number, contents in enumerate(layers):
            self._wasted.append(0)
            self._delete(contents.entries)
            files = [entry for entry in contents.entries if self._add(entry, number)]
            added.append((sum(entry.size for entry in files if entry.kind == FILE), len(files)))
        return [Weight(size, count, waste) for (size, count), waste in zip(added, self._wasted, strict=True)]

    def _delete(self, entries: Sequence[Entry]) -> None:
        """Deletions speak of the layers below, wherever they stand in this one."""
        for entry in entries:
            folder, _, name = entry.path.rpartition(b"/")
            if not name.startswith(WHITEOUT):
                continue
            place = self._folder(folder)
            if name == OPAQUE:
                self._drop(place)
                place.clear()
            else:
                self._drop(place.pop(name[len(WHITEOUT) :], None))

    def _add(self, entry: Entry, layer: int) -> bool:
        """Whether it is a file that counts."""
        folder, _, name = entry.path.rpartition(b"/")
        if not entry.path or name.startswith(WHITEOUT):
            return False
        if entry.kind == DIRECTORY:
            self._folder(entry.path)
            return False
        place = self._folder(folder)
        body = self._find(entry.target) if entry.kind == HARDLINK else None
        if body is not None:
            body.names += 1
        self._drop(place.pop(name, None))
        place[name] = body or _Body(layer, entry.size if entry.kind == FILE else 0)
        return True

    def _folder(self, path: bytes) -> _Folder:
        """The directory of this path; what is missing or a file on the way becomes one."""
        here = self._root
        for part in path.split(b"/") if path else ():
            below = here.get(part)
            if not isinstance(below, _Folder):
                self._drop(below)
                below = here[part] = _Folder()
            here = below
        return here

    def _find(self, path: bytes) -> _Body | None:
        folder, _, name = path.rpartition(b"/")
        found = self._folder(folder).get(name)
        return found if isinstance(found, _Body) else None

    def _drop(self, thing: _Folder | _Body | None) -> None:
        waiting = [thing]
        while waiting:
            one = waiting.pop()
            if isinstance(one, _Folder):
                waiting += one.values()
            elif one is not None:
                one.names -= 1
                if not one.names:
                    self._wasted[one.layer] += one.size
