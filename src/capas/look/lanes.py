"""A forest for a terminal: a line a block with a bar to scale, in lanes that join where images share what is below.

⚑ web:latest  3f2a91c04b1e
█ ▇▏               2.1MB  COPY . /app
│ ⚑ api:latest  77aa01b2c3d4
│ █ ▇▇▇▇▇▇▇         25MB  RUN pip install flask
├─┘
█ ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇  120MB  the base
◇ scratch
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from capas.look.forest import Block, Branch, Flag

BAR = 16
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Line(NamedTuple):
    """One line: its lanes, and the flag, or the block with its bar, that stands in it (neither: lanes that join)."""

    lanes: str
    flag: Flag | None = None
    block: Block | None = None
    bar: str = ""


def draw_lanes(root: Branch) -> list[Line]:
    """From the top of the first stack down to `scratch`. The longest bar has `BAR` characters, the others to scale."""
    largest = max((branch.block.size for branch in root.walk() if branch.block), default=0)
    return [*_above(root, "", largest), Line("◇ scratch")]


def bar_of(size: int, largest: int) -> str:
    """A bar in eighths of a character; nothing for nothing, and the thinnest for what would be thinner."""
    eighths = round(size / largest * BAR * 8) if largest else 0
    if size:
        eighths = max(eighths, 1)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def _above(branch: Branch, lanes: str, largest: int) -> Iterator[Line]:
    """What stands on a branch, and its flags. The first stack goes on in its lane, the others join from the right."""
    chain = [branch]  # up as far as nothing branches: images have hundreds of layers
    while len(chain[-1].above) == 1:
        chain.append(chain[-1].above[0])
    for number, above in enumerate(chain[-1].above):
        beside = lanes + ("│ " if number else "")
        yield from _above(above, beside, largest)
        yield from _own(above, beside, largest)
        if number:
            yield Line(f"{lanes}├─┘")
    for below in reversed(chain):
        yield from (Line(f"{lanes}⚑ ", flag) for flag in below.flags)
        if below is not branch:
            yield from _own(below, lanes, largest)


def _own(branch: Branch, lanes: str, largest: int) -> Iterator[Line]:
    if branch.block is not None:
        yield Line(f"{lanes}█ ", block=branch.block, bar=bar_of(branch.block.size, largest))
