"""What of an image's bytes is of no use: hidden by later layers, left behind by tools, there more than once."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Literal, NamedTuple

from capas.image.image import Image
from capas.image.steps import Step, list_steps
from capas.layer.contents import UNKNOWN
from capas.layer.entry import FILE
from capas.layer.paths import join
from capas.layer.stack import Gone, Ref, Stack
from capas.layer.tree import Tree
from capas.layer.waste import Weight, weigh
from capas.look.leftovers import find_habit, may_hold

Why = Literal["deleted", "overwritten", "repeated"]


class Loss(NamedTuple):
    """A file of `layer` whose bytes no name in the image leads to since layer `by`. Layers: 0 is the bottom.

    `why`: "deleted"; "overwritten" by something else; "repeated" by the same bytes, for a mode, owner or time.
    `root` is the file itself, or the directory with which it went.
    """

    path: str
    root: str
    size: int
    layer: int
    by: int
    why: Why


class Leftover(NamedTuple):
    """A file that a tool left behind: `kind` is "apt lists", "pip cache", "logs", …, `layer` where its bytes are."""

    path: str
    kind: str
    size: int
    layer: int


class Duplicate(NamedTuple):
    """Files of the image that hold the same and are no links to each other. `size` is that of one of them."""

    digest: str
    size: int
    paths: tuple[str, ...]

    @property
    def wasted(self) -> int:
        """The bytes that links in the place of all but one would save."""
        return self.size * (len(self.paths) - 1)


class StepWaste(NamedTuple):
    """A layer: bytes of files that its step added, how many of them are lost or left over, and how many it lost us."""

    layer: int
    step: Step
    size: int
    lost: int
    left: int
    hides: int


class Waste(NamedTuple):
    """What an image has and does not need. Bytes are those of regular files, without headers, padding or packing.

    `size` is what all layers add, a file with several names once. Largest first in each list.
    `history` are all steps, oldest first, those without a layer too.
    """

    size: int
    steps: Sequence[StepWaste]
    losses: Sequence[Loss]
    leftovers: Sequence[Leftover]
    duplicates: Sequence[Duplicate]
    history: Sequence[Step]

    @property
    def lost(self) -> int:
        """Bytes of lower layers that no path of the image leads to, each body of a file once."""
        return sum(one.size for one in self.losses)

    @property
    def left(self) -> int:
        """Bytes of caches, logs and temporary files that are still in the image, each body once."""
        return sum(one.size for one in self.leftovers)

    @property
    def wasted(self) -> int:
        """`lost` and `left`, which have no byte in common. Duplicates do not count: both places may be needed."""
        return self.lost + self.left

    @property
    def efficiency(self) -> float:
        """The share of `size` that is not `wasted`, from 0 to 1; 1 for an image without bytes."""
        return 1 - self.wasted / self.size if self.size else 1.0


def find_waste(image: Image, tree: Tree) -> Waste:
    """What of the image is waste. `tree` is its own, with digests."""
    bodies = tree.bodies()
    weights, losses = weigh(tree, bodies), list_losses(tree, bodies)
    leftovers = sorted(_leftovers(tree.stack), key=lambda one: (-one.size, one.path))
    duplicates = sorted(_duplicates(tree, bodies), key=lambda one: (-one.wasted, one.paths))
    history = list_steps(image.manifest, image.config)
    steps = _steps([step for step in history if not step.is_empty], weights, losses, leftovers)
    return Waste(sum(weight.size for weight in weights), steps, losses, leftovers, duplicates, history)


def list_losses(tree: Tree, living: AbstractSet[Ref]) -> list[Loss]:
    """Each body that has lost its last name, with the layer that took that. Order: the largest first, then by path."""
    return sorted(_losses(tree, living), key=lambda one: (-one.size, one.path))


def _losses(tree: Tree, living: AbstractSet[Ref]) -> Iterator[Loss]:
    stack = tree.stack
    last: dict[Ref, Gone] = {}
    for one in stack.gone:
        body = stack.links.get(one.ref, one.ref)
        if body not in living and stack.kind(body) == FILE:
            last[body] = one
    gone = {(one.by, one.path) for one in stack.gone}
    reasons = _Reasons(tree)
    for one in last.values():
        root = one.path
        while (one.by, above := root.rpartition(b"/")[0]) in gone and above:
            root = above
        found = tree.located(one.path, one.ref)
        yield Loss(_shown(one.path), _shown(root), found.entry.size, found.layer, one.by, reasons.find(one, found.sum))


class _Reasons:
    """Why something is gone: by what the layer that took it away has in its place."""

    def __init__(self, tree: Tree) -> None:
        self._layers = tree.layers
        self._brought: dict[int, Mapping[bytes, int]] = {}

    def find(self, one: Gone, held: bytes) -> Why:
        layer = self._layers[one.by]
        if one.by not in self._brought:
            self._brought[one.by] = {path: row for row, path in enumerate(layer.columns.iter_paths())}
        row = self._brought[one.by].get(one.path)
        if row is None:
            return "overwritten" if one.replaced else "deleted"
        return "repeated" if held != UNKNOWN and held == layer.sum(row) else "overwritten"


def _leftovers(stack: Stack) -> Iterator[Leftover]:
    """A body that has a name elsewhere too is no leftover."""
    found: dict[Ref, tuple[bytes, str]] = {}
    for folder in stack.folders.values():
        if may_hold(folder.path):
            for name, ref in folder.names.items():
                body, path = stack.links.get(ref, ref), join(folder.path, name)
                if (kind := find_habit(path)) and stack.kind(body) == FILE:
                    found[body] = min(found.get(body, (path, kind)), (path, kind))
    shared = found.keys() & set(stack.links.values())
    innocent = {body for path, body in stack.iter_names(shared) if not find_habit(path)} if shared else set()
    for body, (path, kind) in found.items():
        layer, row = stack.place(body)
        size = stack.layers[layer].sizes[row]
        if size and body not in innocent:
            yield Leftover(_shown(path), kind, size, layer)


def _duplicates(tree: Tree, living: AbstractSet[Ref]) -> Iterator[Duplicate]:
    """Only bodies are looked at whose digest comes more than once, which few do."""
    sums = list(chain.from_iterable(contents.list_sums() for contents in tree.layers))
    repeated = {digest for digest, count in Counter(sums).items() if count > 1 and digest != UNKNOWN}
    bodies = {ref for ref, digest in enumerate(sums) if digest in repeated} & living
    names: dict[Ref, bytes] = {}
    for path, body in tree.stack.iter_names(bodies):
        names[body] = min(names.get(body, path), path)
    same: dict[bytes, list[Ref]] = defaultdict(list)
    for body in names:
        same[sums[body]].append(body)
    for digest, equals in same.items():
        layer, row = tree.stack.place(equals[0])
        size = tree.layers[layer].columns.sizes[row]
        if len(equals) > 1 and size:
            yield Duplicate(digest.hex(), size, tuple(sorted(_shown(names[body]) for body in equals)))


def _steps(
    steps: Sequence[Step], weights: Sequence[Weight], losses: Sequence[Loss], leftovers: Sequence[Leftover]
) -> list[StepWaste]:
    left, hides = [0] * len(weights), [0] * len(weights)
    for leftover in leftovers:
        left[leftover.layer] += leftover.size
    for loss in losses:
        hides[loss.by] += loss.size
    return [
        StepWaste(number, step, weight.size, weight.waste, left[number], hides[number])
        for number, (step, weight) in enumerate(zip(steps, weights, strict=True))
    ]


def _shown(path: bytes) -> str:
    return "/" + os.fsdecode(path)
