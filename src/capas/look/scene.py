"""The geometry of a forest: blocks whose area is their size, joined where images share them, flags, and a key beside.

Units: of the drawing (pixels). x grows to the right, y downwards. Pictures are kept, so they say a date and no age.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple

from capas.language import Words, count_of
from capas.look.forest import Block, Branch, Flag
from capas.printable import human_size, printable, shortened

Weight = Literal["plain", "strong", "soft", "inside"]

LETTER, LINE = 7.25, 18.0  # of the monospaced letters of all texts
LOW = 4.0  # a block lower than that has no edge, which would hide it
_COLUMN, _GAP, _HIGHEST = 156.0, 14.0, 540.0
_MARGIN, _POLE, _CHIP = 24.0, 12.0, 10.0
_LEGIBLE = 15.0  # a block lower than that has its words in the key only
_MOST_NAMES = 5
_KEY_LETTERS = 88


class Rect(NamedTuple):
    """A block, or its colour in the key. `kind` chooses the colour; `title` is said to who points at it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str = ""


class Text(NamedTuple):
    """A line of text, on one line; `y` is that of its letters' feet."""

    x: float
    y: float
    text: str
    weight: Weight = "plain"


class Rule(NamedTuple):
    """A straight line: a flag's pole, or the ground."""

    x1: float
    y1: float
    x2: float
    y2: float


class Scene(NamedTuple):
    """What is to be drawn, and how large it all is. The area of `blocks` is to scale."""

    width: float
    height: float
    blocks: tuple[Rect, ...]
    chips: tuple[Rect, ...]
    texts: tuple[Text, ...]
    rules: tuple[Rule, ...]


def lay_out(root: Branch, words: Words) -> Scene:
    """The picture of a forest. The area of a block is its bytes by one factor for all."""
    return _Drawing(root, words).scene()


def title_of(block: Block) -> str:
    """All that is known of a block, on one line."""
    digest = block.digest or block.key
    return printable(f"{block.step.words} · {human_size(block.size)} · {digest}")


def tell_use(flag: Flag, words: Words) -> str:
    """What deleting it would free, or what keeps it; nothing where that is not known."""
    if flag.users:
        return words("used by {containers}", containers=count_of("{count} container", "{count} containers", flag.users))
    return "" if flag.freed is None else words("frees {size}", size=human_size(flag.freed))


class _Drawing:
    def __init__(self, root: Branch, words: Words) -> None:
        self._root, self._words = root, words
        self._numbers = {branch: number for number, branch in enumerate(root.walk())}
        self._columns = _count_columns(list(self._numbers))
        self._blocks: list[Rect] = []
        self._chips: list[Rect] = []
        self._texts: list[Text] = []
        self._rules: list[Rule] = []

    def scene(self) -> Scene:
        width = _span(self._columns[self._root])
        lines = max((sum(len(self._lines(flag)) for flag in branch.flags) for branch in self._numbers), default=0)
        highest = self._highest()
        scale = _HIGHEST / highest if highest else 0.0
        floor = _MARGIN + lines * LINE + _POLE + highest * scale
        self._place(floor, scale)
        self._rules.append(Rule(_MARGIN, floor, _MARGIN + width, floor))
        self._texts.append(Text(_MARGIN, floor + LINE, "scratch", "soft"))
        right, bottom = self._key(_MARGIN + width + 2 * _MARGIN)
        parts = (tuple(self._blocks), tuple(self._chips), tuple(self._texts), tuple(self._rules))
        return Scene(right + _MARGIN, max(bottom, floor + LINE) + _MARGIN, *parts)

    def _highest(self) -> float:
        """How high the highest stack is, where a unit of area is a byte."""
        tops = {self._root: 0.0}
        for branch in self._numbers:
            for above in branch.above:
                tops[above] = tops[branch] + (above.block.size if above.block else 0) / _span(self._columns[above])
        return max(tops.values())

    def _place(self, floor: float, scale: float) -> None:
        """Every block on what it stands on, what stands on one side by side."""
        waiting = [(self._root, _MARGIN, floor)]
        while waiting:
            branch, left, below = waiting.pop()
            top = below
            if branch.block is not None:
                width = _span(self._columns[branch])
                height = branch.block.size * scale / width
                top -= height
                self._block(branch, branch.block, Rect(left, top, width, height, branch.block.step.kind))
            self._fly(branch.flags, left, top)
            left += _span(1) + _GAP if branch.flags and branch.above else 0.0
            for above in branch.above:
                waiting.append((above, left, top))
                left += _span(self._columns[above]) + _GAP

    def _block(self, branch: Branch, block: Block, rect: Rect) -> None:
        self._blocks.append(rect._replace(title=title_of(block)))
        if rect.height >= _LEGIBLE:
            words = f"{self._numbers[branch]} {human_size(block.size)} {block.step.words}"
            fits = shortened(words, int((rect.width - 12) / LETTER))
            self._texts.append(Text(rect.x + 6, rect.y + rect.height / 2 + 4, fits, "inside"))

    def _fly(self, flags: list[Flag], left: float, top: float) -> None:
        lines = [line for flag in flags for line in self._lines(flag)]
        if lines:
            height = _POLE + len(lines) * LINE
            self._rules.append(Rule(left + 1, top, left + 1, top - height))
            for number, (text, weight) in enumerate(lines):
                fits = shortened(text, int(_COLUMN / LETTER))
                self._texts.append(Text(left + 7, top - height + (number + 0.75) * LINE, fits, weight))

    def _lines(self, flag: Flag) -> list[tuple[str, Weight]]:
        lines: list[tuple[str, Weight]] = [(name, "strong") for name in flag.names[:_MOST_NAMES]]
        if len(flag.names) > _MOST_NAMES:
            lines.append((self._words("and {count} more", count=len(flag.names) - _MOST_NAMES), "soft"))
        lines.append((flag.id, "soft"))
        told = tell_use(flag, self._words)
        return [*lines, (told, "soft")] if told else lines

    def _key(self, left: float) -> tuple[float, float]:
        """A line for each block, in the picture's order; the right and lower end of them."""
        y = _MARGIN
        for branch, number in reversed(self._numbers.items()):
            for flag in branch.flags:
                y += LINE
                self._texts.append(Text(left, y, shortened(", ".join((*flag.names, flag.id)), _KEY_LETTERS), "strong"))
            if branch.block is not None:
                y += LINE
                self._chips.append(Rect(left, y - _CHIP, _CHIP, _CHIP, branch.block.step.kind, title_of(branch.block)))
                self._texts.append(Text(left + _CHIP + 6, y, _key_line(number, branch.block)))
        return left + _KEY_LETTERS * LETTER, y


def _key_line(number: int, block: Block) -> str:
    made = block.step.created_ns
    date = datetime.fromtimestamp(made // 10**9, UTC).strftime("%Y-%m-%d") if made else ""
    digest = block.digest.short if block.digest else ""
    start = f"{number:>3} {human_size(block.size):>7}  {date:10}  {digest:12}  "
    return start + shortened(block.step.words, _KEY_LETTERS - len(start))


def _count_columns(branches: list[Branch]) -> dict[Branch, int]:
    """How many stacks stand side by side on each. One that ends below others has a column of its own for its flag."""
    columns: dict[Branch, int] = {}
    for branch in reversed(branches):
        own = bool(branch.flags and branch.above)
        columns[branch] = max(1, sum(columns[above] for above in branch.above) + own)
    return columns


def _span(columns: int) -> float:
    return columns * _COLUMN + (columns - 1) * _GAP
