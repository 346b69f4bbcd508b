"""Which layers images share: one tree that grows from `scratch`, each layer in it once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from capas.image.image import Image
from capas.image.steps import Step, list_steps
from capas.layer.entry import Layer
from capas.oci.digest import DiffID


class Block(NamedTuple):
    """A layer to draw. `size` is bytes; `digest` is None for what a container wrote, which has no name yet."""

    key: str
    digest: DiffID | None
    size: int
    step: Step


class Flag(NamedTuple):
    """What stands on top of a stack: the names of an image, or of a container, and its id."""

    names: tuple[str, ...]
    id: str
    freed: int | None = None
    """The bytes that deleting it would free, where that is known."""
    users: int = 0
    """How many containers keep it from being deleted, where that is known."""


class Stack(NamedTuple):
    """An image or a container to draw, its lowest block first."""

    flag: Flag
    blocks: tuple[Block, ...]


class Branch:
    """A block (None for `scratch`, the root), the flags of the stacks that end in it, and what stands on it."""

    def __init__(self, block: Block | None = None) -> None:
        self.block = block
        self.flags: list[Flag] = []
        self.above: list[Branch] = []

    def walk(self) -> Iterator[Branch]:
        """This branch and all above it, what is below first, one branch to its top after the other."""
        waiting = [self]
        while waiting:
            branch = waiting.pop()
            yield branch
            waiting += reversed(branch.above)


def grow(stacks: Iterable[Stack]) -> Branch:
    """The tree of these stacks: two share a block if they are the same from `scratch` up to it."""
    root = Branch()
    for stack in stacks:
        branch = root
        for block in stack.blocks:
            branch = _follow(branch, block)
        branch.flags.append(stack.flag)
    return root


def _follow(branch: Branch, block: Block) -> Branch:
    for above in branch.above:
        if above.block is not None and above.block.key == block.key:
            return above
    branch.above.append(Branch(block))
    return branch.above[-1]


def stack_image(image: Image, flag: Flag, size_of: Callable[[Layer], int]) -> Stack:
    """The stack of an image: its layers, each with the step that made it. Raises: as `Image.layers`."""
    steps = [step for step in list_steps(image.manifest, image.config) if not step.is_empty]
    blocks = (Block(layer.diff_id, layer.diff_id, size_of(layer), step)
              for layer, step in zip(image.layers, steps, strict=True))  # fmt: skip
    return Stack(flag, tuple(blocks))
