"""What of an image's bytes is of no use: hidden by later layers, left behind by tools, there more than once."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from capas.image.image import Image
from capas.image.steps import Step, list_steps
from capas.layer.contents import UNKNOWN
from capas.layer.entry import FILE, Entry
from capas.layer.tree import Hidden, Tree
from capas.layer.waste import Body, Weight, weigh
from capas.look.files import digests_of
from capas.look.leftovers import find_habit

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
    """

    size: int
    steps: Sequence[StepWaste]
    losses: Sequence[Loss]
    leftovers: Sequence[Leftover]
    duplicates: Sequence[Duplicate]

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
    leftovers = sorted(_leftovers(tree, bodies), key=lambda one: (-one.size, one.path))
    duplicates = sorted(_duplicates(tree, bodies), key=lambda one: (-one.wasted, one.paths))
    steps = _steps(image, weights, losses, leftovers)
    return Waste(sum(weight.size for weight in weights), steps, losses, leftovers, duplicates)


def list_losses(tree: Tree, living: Container[Body]) -> list[Loss]:
    """Each body that has lost its last name, with the layer that took that. Order: the largest first, then by path."""
    return sorted(_losses(tree, living), key=lambda one: (-one.size, one.path))


def _losses(tree: Tree, living: Container[Body]) -> Iterator[Loss]:
    last: dict[Body, Hidden] = {}
    for one in tree.hidden:
        if one.entry.kind == FILE and (one.layer, one.entry.offset) not in living:
            last[one.layer, one.entry.offset] = one
    gone = {(one.by, one.entry.path) for one in tree.hidden}
    reasons = _Reasons(tree)
    for (layer, _), one in last.items():
        root = one.entry.path
        while (one.by, above := root.rpartition(b"/")[0]) in gone and above:
            root = above
        yield Loss(_shown(one.entry.path), _shown(root), one.entry.size, layer, one.by, reasons.find(one))


class _Reasons:
    """Why something is hidden: by what the layer that did it has in its place."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._digest_of = digests_of(tree)
        self._brought: dict[int, Mapping[bytes, Entry]] = {}

    def find(self, one: Hidden) -> Why:
        if one.by not in self._brought:
            self._brought[one.by] = {entry.path: entry for entry in self._tree.layers[one.by].entries}
        new = self._brought[one.by].get(one.entry.path)
        if new is None:
            return "overwritten" if one.replaced else "deleted"
        digest = self._digest_of(one.entry, one.layer)
        return "repeated" if digest and digest == self._digest_of(new, one.by) else "overwritten"


def _leftovers(tree: Tree, bodies: Mapping[Body, Entry]) -> Iterator[Leftover]:
    """A body that has a name elsewhere too is no leftover."""
    found = {body: kind for body, entry in bodies.items() if (kind := find_habit(entry.path)) and entry.size}
    innocent: set[Body] = set()
    if any(tree.may_share(bodies[body]) for body in found):
        names = ((one.entry.path, (one.layer, one.entry.offset)) for one in tree.iter_located())
        innocent = {body for path, body in names if body in found and not find_habit(path)}
    for body, kind in found.items():
        if body not in innocent:
            yield Leftover(_shown(bodies[body].path), kind, bodies[body].size, body[0])


def _duplicates(tree: Tree, bodies: Mapping[Body, Entry]) -> Iterator[Duplicate]:
    """Only bodies are looked at whose digest comes more than once, which few do."""
    sums = [contents.list_sums() for contents in tree.layers]
    counts = Counter(chain.from_iterable(sums))
    repeated = {digest for digest, count in counts.items() if count > 1 and digest != UNKNOWN}
    same: dict[bytes, list[Entry]] = defaultdict(list)
    for layer, (contents, digests) in enumerate(zip(tree.layers, sums, strict=True)):
        if repeated.isdisjoint(digests):
            continue
        offsets = [entry.offset for entry in contents.entries if entry.kind == FILE]
        for offset, digest in zip(offsets, digests, strict=True):
            if digest in repeated and (layer, offset) in bodies:
                same[digest].append(bodies[layer, offset])
    for digest, entries in same.items():
        if len(entries) > 1 and entries[0].size:
            paths = sorted(_shown(entry.path) for entry in entries)
            yield Duplicate(digest.hex(), entries[0].size, tuple(paths))


def _steps(
    image: Image, weights: Sequence[Weight], losses: Sequence[Loss], leftovers: Sequence[Leftover]
) -> list[StepWaste]:
    left, hides = [0] * len(weights), [0] * len(weights)
    for leftover in leftovers:
        left[leftover.layer] += leftover.size
    for loss in losses:
        hides[loss.by] += loss.size
    steps = [step for step in list_steps(image.manifest, image.config) if not step.is_empty]
    return [
        StepWaste(number, step, weight.size, weight.waste, left[number], hides[number])
        for number, (step, weight) in enumerate(zip(steps, weights, strict=True))
    ]


def _shown(path: bytes) -> str:
    return "/" + os.fsdecode(path)
