"""What each layer of a stack adds, and how much of it the layers above delete or overwrite again."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from capas.layer.entry import DIRECTORY, FILE, Entry
from capas.layer.marks import WHITEOUT
from capas.layer.tree import Tree

Body = tuple[int, int]
"""What a regular file holds, under however many names: the layer it is in, and where in its tar it begins."""


class Weight(NamedTuple):
    """One layer: bytes and number of the files it adds, and bytes of those that are not in the image in the end."""

    size: int
    files: int
    waste: int


def weigh(tree: Tree) -> list[Weight]:
    """A weight for each layer, bottom first. A file counts once however many links it has.

    Units: bytes of files, without headers and padding.
    """
    living = living_bodies(tree)
    return [_weigh(contents.entries, number, living) for number, contents in enumerate(tree.layers)]


def living_bodies(tree: Tree) -> AbstractSet[Body]:
    """The bodies that have a name in the image."""
    return {(layer, entry.offset) for entry, layer, _ in tree.iter_located() if entry.kind == FILE}


def is_deletion(entry: Entry) -> bool:
    """Whether an entry is no file but says that others are gone."""
    return entry.path.rpartition(b"/")[2].startswith(WHITEOUT)


def _weigh(entries: Sequence[Entry], layer: int, living: AbstractSet[Body]) -> Weight:
    files = [entry for entry in entries if entry.kind != DIRECTORY and not is_deletion(entry)]
    sizes = [(entry.size, (layer, entry.offset) in living) for entry in files if entry.kind == FILE]
    wasted = sum(size for size, lives in sizes if not lives)
    return Weight(sum(size for size, _ in sizes), len(files), wasted)
