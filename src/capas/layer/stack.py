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


class Folder(NamedTuple):
    """A directory: what its names stand for, and those among them that are directories."""

    path: bytes
    names: dict[bytes, Ref]
    below: dict[bytes, Folder]


class Stack:
    """The directories by their paths, without links, and what is in them. Paths are bytes."""

    def __init__(self, layers: Sequence[Columns]) -> None:
        self.layers = layers
        self.starts = [0, *accumulate(len(columns.kinds) for columns in layers)]
        """The first `Ref` of each layer, and the end of all."""
        self.top: Ref = -1
        """What the root is."""
        self._root = Folder(b"", {}, {})
        self.folders = {b"": self._root}
        self.links: dict[Ref, Ref] = {}
        """Of each hard link the entry that it is another name of, which is no link itself."""
        self.gone: list[Gone] = []
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
        above, _, name = path.rpartition(b"/")
        folder = self.folders.get(above)
        return self.top if not path else None if folder is None else folder.names.get(name)

    def walk(self, path: bytes, *, follow: bool, make: int | None = None) -> bytes | None:
        """The path to what is at a path, without links; None for nothing. Raises: Invalid for links in a circle.

        `follow`: a link at its end is followed too. With `make` (a layer), what is missing or no directory on the way
        becomes one. Leading and doubled slashes do not matter; nothing leads out of the root.
        """
        if path in self.folders or (make is None and self._is_real(path, follow=follow)):
            return path  # as most are
        trail = [self._root]
        parts = _parts(path)
        links = 0
        while parts:
            part = parts.pop()
            if part == b"..":
                trail = trail[:-1] or trail
                continue
            here = trail[-1]
            folder, ref = here.below.get(part), here.names.get(part)
            if folder is None and ref is not None and (parts or follow) and self.kind(ref) == SYMLINK:
                links += 1
                if links > _MOST_LINKS:
                    shown = path.decode(errors="replace").lstrip("/")
                    raise Invalid("too many links on the way to /{path}", path=shown)
                target = self.target(ref)
                parts += _parts(target)
                trail = [self._root] if target.startswith(b"/") else trail
                continue
            if folder is None and make is not None:
                self._hide(here, part, make, replaced=True)
                here.names[part] = -make - 1
                folder = self._open(here, part)
            elif folder is None and ref is None:
                return None
            trail.append(folder or Folder(join(here.path, part), {}, {}))
        return trail[-1].path

    def list_beneath(self, path: bytes) -> tuple[list[bytes], list[Ref]]:
        """The paths of what is at a path, of a directory with all that is beneath it, and what stands there.

        Order: a directory before what is in it, names sorted. Nothing for no such path.
        """
        paths: list[bytes] = []
        refs: list[Ref] = []
        top = self.find(path)
        waiting = [] if top is None else [(path, top, self.folders.get(path))]
        while waiting:
            path, ref, folder = waiting.pop()
            paths.append(path)
            refs.append(ref)
            if folder is None:
                continue
            names = sorted(folder.names)
            prefix = path + b"/" if path else b""
            if folder.below:
                waiting += [(prefix + name, folder.names[name], folder.below.get(name)) for name in reversed(names)]
            else:
                paths += [prefix + name for name in names]
                refs += map(folder.names.__getitem__, names)
        return paths, refs

    def iter_names(self, bodies: AbstractSet[Ref]) -> Iterator[tuple[bytes, Ref]]:
        """Every path at which one of these stands, under the names of hard links too."""
        wanted = bodies | {ref for ref, body in self.links.items() if body in bodies}
        for folder in self.folders.values():
            if not wanted.isdisjoint(folder.names.values()):
                for name, ref in folder.names.items():
                    if ref in wanted:
                        yield join(folder.path, name), self.links.get(ref, ref)

    def _is_real(self, path: bytes, *, follow: bool) -> bool:
        """Whether something is just there: no links on the way, nor one at its end that is to be followed."""
        ref = None if path.startswith(b"/") else self.find(path)
        return ref is not None and not (follow and self.kind(ref) == SYMLINK)

    def _white_out(self, columns: Columns, marks: AbstractSet[int], layer: int) -> None:
        """Deletions speak of the layers below, wherever they stand in this one."""
        for called, rows in columns.iter_runs() if marks else ():
            for name in [columns.names[row] for row in rows if row in marks]:
                path = self.walk(called, follow=True)
                folder = None if path is None else self.folders.get(path)
                if folder is not None:
                    for gone in list(folder.names) if name == OPAQUE else [name[len(WHITEOUT) :]]:
                        self._hide(folder, gone, layer)

    def _put_all(self, columns: Columns, marks: AbstractSet[int], layer: int) -> None:
        for called, rows in columns.iter_runs():
            if columns.is_plain(rows.start) and self._put_many(columns, called, rows, layer):
                continue
            for row in rows:
                if row not in marks:
                    self._put(columns, called, row, layer)

    def _put_many(self, columns: Columns, called: bytes, rows: range, layer: int) -> bool:
        """Whether they could be put at once: where nothing was, and each once."""
        folder = self._enter(called, layer)
        first = self.starts[layer] + rows.start
        fresh = dict(zip(columns.names[rows.start : rows.stop], range(first, first + len(rows)), strict=True))
        if len(fresh) < len(rows) or not folder.names.keys().isdisjoint(fresh):
            return False
        folder.names.update(fresh)
        return True

    def _put(self, columns: Columns, called: bytes, row: int, layer: int) -> None:
        name, kind = columns.names[row], columns.kinds[row : row + 1]
        ref, folder = self.starts[layer] + row, self._enter(called, layer)
        if not name:
            self.top = ref
            return
        if kind == HARDLINK:
            self.links[ref] = self._linked(columns.targets.get(row, b""), join(called, name))
        if not (kind == DIRECTORY and name in folder.below):  # one over another changes its attributes only
            self._hide(folder, name, layer, replaced=True)
            if kind == DIRECTORY:
                self._open(folder, name)
        folder.names[name] = ref

    def _linked(self, target: bytes, named: bytes) -> Ref:
        found = self.walk(target, follow=False)
        ref = self.find(found) if found is not None else None
        if ref is None or found in self.folders:
            raise Corrupt("{path} is a hard link to nothing", path=named.decode(errors="replace"))
        return self.links.get(ref, ref)

    def _enter(self, called: bytes, layer: int) -> Folder:
        """The directory that a layer calls so: what is none on the way becomes one."""
        return self.folders.get(called) or self.folders[self.walk(called, follow=True, make=layer) or b""]

    def _open(self, folder: Folder, name: bytes) -> Folder:
        """An empty directory in another one."""
        opened = Folder(join(folder.path, name), {}, {})
        folder.below[name] = self.folders[opened.path] = opened
        return opened

    def _hide(self, folder: Folder, name: bytes, by: int, *, replaced: bool = False) -> None:
        """Take away what stands there, if anything does, with all that is beneath it."""
        if name not in folder.names:
            return
        paths, refs = self.list_beneath(join(folder.path, name))
        self.gone += [Gone(path, ref, by, replaced) for path, ref in zip(paths, refs, strict=True)]
        if folder.below.pop(name, None) is not None:
            for path in paths:
                self.folders.pop(path, None)
        if not replaced:
            del folder.names[name]


def _parts(path: bytes) -> list[bytes]:
    """What is between the slashes, the last first."""
    return [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]
