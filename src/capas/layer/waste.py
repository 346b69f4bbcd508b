"""What each layer of a stack adds, and how much of it the layers above delete or overwrite again."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from capas.layer.columns import Columns
from capas.layer.entry import DIRECTORY, FILE
from capas.layer.stack import Ref
from capas.layer.tree import Tree

_FILE = FILE[0]


class Weight(NamedTuple):
    """One layer: bytes and number of the files it adds, and bytes of those that are not in the image in the end."""

    size: int
    files: int
    waste: int


def weigh(tree: Tree, living: AbstractSet[Ref]) -> list[Weight]:
    """A weight for each layer, bottom first, if these bodies are in the image. A file of several names counts once.

    Units: bytes of files, without headers and padding.
    """
    starts = tree.stack.starts
    return [
        _weigh(contents.columns, set(range(starts[number], starts[number + 1])) - living, starts[number])
        for number, contents in enumerate(tree.layers)
    ]


def _weigh(columns: Columns, gone: AbstractSet[Ref], start: Ref) -> Weight:
    """The bytes of all rows, and of the files among those that are gone."""
    marks = set(columns.marks())
    size = sum(columns.sizes) - sum(columns.sizes[row] for row in marks)
    dead = (ref - start for ref in gone)
    waste = sum(columns.sizes[row] for row in dead if columns.kinds[row] == _FILE and row not in marks)
    return Weight(size, len(columns.kinds) - columns.kinds.count(DIRECTORY) - len(marks), waste)
