"""What each layer of a stack adds, and how much of it the layers above delete or overwrite again."""

from __future__ import annotations

from collections.abc import Container, Sequence
from operator import attrgetter
from typing import NamedTuple

from capas.layer.entry import DIRECTORY, FILE, Entry
from capas.layer.marks import WHITEOUT
from capas.layer.tree import Tree

Body = tuple[int, int]
"""What a regular file holds, under however many names: the layer it is in, and where in its tar it begins."""


_KIND, _SIZE = attrgetter("kind"), attrgetter("size")


class Weight(NamedTuple):
    """One layer: bytes and number of the files it adds, and bytes of those that are not in the image in the end."""

    size: int
    files: int
    waste: int


def weigh(tree: Tree, living: Container[Body]) -> list[Weight]:
    """A weight for each layer, bottom first, if these bodies are in the image. A file of several names counts once.

    Units: bytes of files, without headers and padding.
    """
    losers = {hidden.layer for hidden in tree.hidden}
    return [
        _weigh(contents.entries, None if number not in losers else (number, living))
        for number, contents in enumerate(tree.layers)
    ]


def _weigh(entries: Sequence[Entry], lost: tuple[int, Container[Body]] | None) -> Weight:
    """Of a layer that lost nothing, only sums are made, which is quick."""
    marks = [entry for entry in entries if WHITEOUT in entry.path and _is_mark(entry.path)]
    folders = list(map(_KIND, entries)).count(DIRECTORY)
    size = sum(map(_SIZE, entries)) - sum(map(_SIZE, marks))
    wasted = 0
    if lost is not None:
        number, living = lost
        dead = [entry for entry in entries if entry.kind == FILE and (number, entry.offset) not in living]
        wasted = sum(entry.size for entry in dead if not _is_mark(entry.path))
    return Weight(size, len(entries) - folders - len(marks), wasted)


def _is_mark(path: bytes) -> bool:
    """Whether an entry is no file but says that others are gone."""
    return path.rpartition(b"/")[2].startswith(WHITEOUT)
