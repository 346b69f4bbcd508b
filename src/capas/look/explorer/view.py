"""The tree as it is after a layer, with what that layer changed in it: what the explorer shows, without a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from capas.layer.entry import DIRECTORY, Entry
from capas.layer.tree import Tree

Change = Literal["", "added", "changed", "removed"]


class Item(NamedTuple):
    """A file or directory. `change` is what the layer did to it; `inside`, whether it changed something beneath.

    Units: `size` is bytes, of a directory those of all files beneath; what is removed counts for nothing.
    """

    entry: Entry
    size: int
    change: Change
    inside: bool = False

    @property
    def path(self) -> bytes:
        """From the root, without a slash before it."""
        return self.entry.path

    @property
    def name(self) -> str:
        """The last part of its path, bytes that are no UTF-8 as surrogates."""
        return os.fsdecode(self.entry.path.rpartition(b"/")[2])

    @property
    def is_directory(self) -> bool:
        """Whether something may be beneath it."""
        return self.entry.kind == DIRECTORY


class View:
    """What the layers up to `number` make of each other (0 is the bottom)."""

    def __init__(self, tree: Tree, number: int) -> None:
        self.number = number
        layers = tree.layers[: number + 1]
        self._after = Tree(layers, tree.open_tar)
        before = Tree(layers[:-1], tree.open_tar)
        self._items: dict[bytes, Item] = {}
        self._names: dict[bytes, list[bytes]] = {b"": []}
        for entry, change in self._changes(before):
            if entry.path:
                self._items[entry.path] = Item(entry, 0 if change == "removed" else entry.size, change)
                self._names.setdefault(entry.path.rpartition(b"/")[0], []).append(entry.path)
        self._sum_up()

    def list(self, folder: bytes = b"", *, changes_only: bool = False) -> Sequence[Item]:
        """What is in a directory, directories first, then by name; `changes_only`: what the layer changed and where."""
        items = (self._items[path] for path in self._names.get(folder, ()))
        wanted = (item for item in items if not changes_only or item.change or item.inside)
        return sorted(wanted, key=lambda item: (not item.is_directory, item.path))

    def get(self, path: bytes) -> Item:
        """The item at a path that was listed."""
        return self._items[path]

    def search(self, text: str) -> Sequence[bytes]:
        """The paths that have the text in their last part, whatever its case; sorted."""
        wanted = os.fsencode(text.lower())
        return sorted(path for path in self._items if wanted in path.rpartition(b"/")[2].lower())

    def read(self, path: bytes, size: int) -> bytes:
        """The beginning of a file, links followed. Raises: NotFound; Invalid for what is no file; Corrupt."""
        with self._after.open(path) as body:
            return body.read(size)

    def _changes(self, before: Tree) -> Iterator[tuple[Entry, Change]]:
        """Every entry after the layer, and those that it removed."""
        for entry, _, made, _ in self._after.iter_located():
            if made != self.number:
                yield entry, ""
            else:
                yield entry, "added" if before.find(entry.path) is None else "changed"
        for hidden in self._after.hidden:
            if hidden.by == self.number and hidden.layer < self.number and self._after.find(hidden.entry.path) is None:
                yield hidden.entry, "removed"

    def _sum_up(self) -> None:
        """Sizes, and that something changed, from each path to the directories above; what is deeper first."""
        for path in sorted(self._items, key=lambda path: -path.count(b"/")):
            item, above = self._items[path], path.rpartition(b"/")[0]
            if above in self._items:
                parent = self._items[above]
                inside = parent.inside or item.inside or bool(item.change)
                self._items[above] = parent._replace(size=parent.size + item.size, inside=inside)
