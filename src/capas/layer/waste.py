"""What each layer of a stack adds, and how much of it the layers above delete or overwrite again."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
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


def living_bodies(tree: Tree) -> Mapping[Body, Sequence[Entry]]:
    """The bodies that are in the image, with all the names that they have there, sorted."""
    found: dict[Body, Sequence[Entry]] = {}
    for entry, layer in tree.iter_bodies():
        body = layer, entry.offset
        found[body] = sorted((*found[body], entry)) if body in found else (entry,)
    return found


def weigh(tree: Tree, living: Container[Body]) -> list[Weight]:
    """A weight for each layer, bottom first, if these bodies are in the image. A file of several names counts once.

    Units: bytes of files, without headers and padding.
    """
    return [_weigh(contents.entries, number, living) for number, contents in enumerate(tree.layers)]


def _weigh(entries: Sequence[Entry], layer: int, living: Container[Body]) -> Weight:
    files = [entry for entry in entries if entry.kind == FILE and not _is_mark(entry.path)]
    others = sum(entry.kind not in (FILE, DIRECTORY) for entry in entries)
    wasted = sum(entry.size for entry in files if (layer, entry.offset) not in living)
    return Weight(sum(entry.size for entry in files), len(files) + others, wasted)


def _is_mark(path: bytes) -> bool:
    """Whether an entry is no file but says that others are gone."""
    return WHITEOUT in path and path.rpartition(b"/")[2].startswith(WHITEOUT)
