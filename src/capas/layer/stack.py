"""Layers put on each other: which name stands for which entry of which layer, and what was taken away on the way.

Spec: OCI image-spec, layer.md, "Applying Changesets".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate
from typing import NamedTuple

from capas.errors import Corrupt, Invalid
from capas.layer.columns import Columns
from capas.layer.entry import DIRECTORY, HARDLINK, SYMLINK
from capas.layer.marks import OPAQUE, WHITEOUT
from capas.layer.paths import join

_MOST_LINKS = 40  # as Linux

Ref = int
"""An entry of a stack: the rows of all layers are counted through. Below zero: a directory that no layer lists.

Such a one is there because layer 0 (-1), 1 (-2), … brought something beneath it.
"""


class Gone(NamedTuple):
    """What stood at a path until the layer `by` took it away; `replaced`: something else stands there since then."""

    path: bytes
    ref: Ref
    by: int
    replaced: bool


class Stack:
    """The names in each directory, by its path, and what they stand for. Paths are bytes; no link is among them."""

    def __init__(self, layers: Sequence[Columns]) -> None:
        self.layers = layers
        self.starts = [0, *accumulate(len(columns.kinds) for columns in layers)]
        """The first `Ref` of each layer, and the end of all."""
        self.folders: dict[bytes, dict[bytes, Ref]] = {b"": {}}
        self.links: dict[Ref, Ref] = {}
        """Of each hard link the entry that it is another name of, which is no link itself."""
        self.gone: list[Gone] = []
        self.top: Ref = -1
        for number, columns in enumerate(layers):
            marks = set(columns.marks())
            self._white_out(columns, marks, number)
            self._put_all(columns, marks, number)

    def place(self, ref: Ref) -> tuple[int, int]:
        """The layer of an entry and its row there. Of what has no row, that is less than zero."""
        if ref < 0:
            return -ref - 1, -1
        layer = bisect_right(self.starts, ref) - 1
        return layer, ref - self.starts[layer]

    def kind(self, ref: Ref) -> bytes:
        """The kind of an entry, of a hard link that of what it is another name of."""
        layer, row = self.place(self.links.get(ref, ref))
        return DIRECTORY if row < 0 else self.layers[layer].kinds[row : row + 1]

    def target(self, ref: Ref) -> bytes:
        """Where a symbolic link leads."""
        layer, row = self.place(self.links.get(ref, ref))
        return self.layers[layer].targets.get(row, b"")

    def find(self, path: bytes) -> Ref | None:
        """What stands at a path that `walk` gave."""
        folder, _, name = path.rpartition(b"/")
        return self.top if not path else self.folders.get(folder, {}).get(name)

    def walk(self, path: bytes, *, follow: bool, make: int | None = None) -> bytes | None:
        """The path to what is at a path, without links; None for nothing. Raises: Invalid for links in a circle.

        `follow`: a link at its end is followed too. With `make` (a layer), what is missing or no directory on the way
        becomes one. Leading and doubled slashes do not matter; nothing leads out of the root.
        """
        if path in self.folders:
            return path
        trail = [b""]
        parts = _parts(path)
        links = 0
        while parts:
            part = parts.pop()
            if part == b"..":
                trail = trail[:-1] or trail
                continue
            below = join(trail[-1], part)
            ref, is_folder = self.folders.get(trail[-1], {}).get(part), below in self.folders
            if ref is not None and (parts or follow) and not is_folder and self.kind(ref) == SYMLINK:
                links += 1
                if links > _MOST_LINKS:
                    shown = path.decode(errors="replace").lstrip("/")
                    raise Invalid("too many links on the way to /{path}", path=shown)
                target = self.target(ref)
                parts += _parts(target)
                trail = [b""] if target.startswith(b"/") else trail
                continue
            if make is not None and not is_folder:
                self._make(trail[-1], part, make)
            elif ref is None:
                return None
            trail.append(below)
        return trail[-1]

    def list_beneath(self, path: bytes) -> tuple[list[bytes], list[Ref]]:
        """The paths of what is at a path, of a directory with all that is beneath it, and what stands there.

        Order: a directory before what is in it, names sorted. Nothing for no such path.
        """
        paths: list[bytes] = []
        refs: list[Ref] = []
        top = self.find(path)
        waiting = [] if top is None else [(path, top)]
        while waiting:
            path, ref = waiting.pop()
            paths.append(path)
            refs.append(ref)
            children = self.folders.get(path)
            if not children:
                continue
            names = sorted(children)
            prefix = path + b"/" if path else b""
            below = [prefix + name for name in names]
            if self.folders.keys().isdisjoint(below):  # no directory is among them, as in most
                paths += below
                refs += map(children.__getitem__, names)
            else:
                waiting += zip(reversed(below), map(children.__getitem__, reversed(names)), strict=True)
        return paths, refs

    def iter_names(self, bodies: AbstractSet[Ref]) -> Iterator[tuple[bytes, Ref]]:
        """Every path at which one of these stands, under the names of hard links too."""
        wanted = bodies | {ref for ref, body in self.links.items() if body in bodies}
        for folder, children in self.folders.items():
            if not wanted.isdisjoint(children.values()):
                for name, ref in children.items():
                    if ref in wanted:
                        yield join(folder, name), self.links.get(ref, ref)

    def _white_out(self, columns: Columns, marks: AbstractSet[int], layer: int) -> None:
        """Deletions speak of the layers below, wherever they stand in this one."""
        for folder, rows in columns.iter_runs() if marks else ():
            for name in [columns.names[row] for row in rows if row in marks]:
                parent = self.walk(folder, follow=True)
                children = None if parent is None else self.folders.get(parent)
                if parent is not None and children is not None:
                    for gone in list(children) if name == OPAQUE else [name[len(WHITEOUT) :]]:
                        self._hide(parent, gone, layer)

    def _put_all(self, columns: Columns, marks: AbstractSet[int], layer: int) -> None:
        for folder, rows in columns.iter_runs():
            if columns.is_plain(rows.start) and self._put_many(columns, folder, rows, layer):
                continue
            for row in rows:
                if row not in marks:
                    self._put(columns, folder, row, layer)

    def _put_many(self, columns: Columns, folder: bytes, rows: range, layer: int) -> bool:
        """Whether they could be put at once: where nothing was, and each once."""
        children = self.folders[self._enter(folder, layer)]
        first = self.starts[layer] + rows.start
        fresh = dict(zip(columns.names[rows.start : rows.stop], range(first, first + len(rows)), strict=True))
        if len(fresh) < len(rows) or not children.keys().isdisjoint(fresh):
            return False
        children.update(fresh)
        return True

    def _put(self, columns: Columns, folder: bytes, row: int, layer: int) -> None:
        name, is_folder = columns.names[row], columns.kinds[row : row + 1] == DIRECTORY
        ref, parent = self.starts[layer] + row, self._enter(folder, layer)
        path = join(parent, name)
        if not name:
            self.top = ref
            return
        if columns.kinds[row : row + 1] == HARDLINK:
            self.links[ref] = self._linked(columns.targets.get(row, b""), join(folder, name))
        if not (is_folder and path in self.folders):  # a directory over a directory changes its attributes only
            self._hide(parent, name, layer, replaced=True)
            if is_folder:
                self.folders[path] = {}
        self.folders[parent][name] = ref

    def _linked(self, target: bytes, named: bytes) -> Ref:
        found = self.walk(target, follow=False)
        ref = self.find(found) if found is not None else None
        if ref is None or found in self.folders:
            raise Corrupt("{path} is a hard link to nothing", path=named.decode(errors="replace"))
        return self.links.get(ref, ref)

    def _enter(self, folder: bytes, layer: int) -> bytes:
        """The path of the directory that a layer calls so: it becomes one if it is none."""
        return folder if folder in self.folders else self.walk(folder, follow=True, make=layer) or b""

    def _make(self, folder: bytes, name: bytes, layer: int) -> None:
        self._hide(folder, name, layer, replaced=True)
        self.folders[folder][name] = -layer - 1
        self.folders[join(folder, name)] = {}

    def _hide(self, folder: bytes, name: bytes, by: int, *, replaced: bool = False) -> None:
        """Take away what stands there, if anything does, with all that is beneath it."""
        path = join(folder, name)
        if name not in self.folders[folder]:
            return
        paths, refs = self.list_beneath(path)
        self.gone += [Gone(one, ref, by, replaced) for one, ref in zip(paths, refs, strict=True)]
        for one in paths:
            self.folders.pop(one, None)
        if not replaced:
            del self.folders[folder][name]


def _parts(path: bytes) -> list[bytes]:
    """What is between the slashes, the last first."""
    return [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]
