"""What images share: the forest, its geometry and its lanes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from capas.image.steps import Step
from capas.language import words_in
from capas.look.forest import Block, Branch, Flag, Stack, grow
from capas.look.lanes import BAR, bar_of, draw_lanes
from capas.look.scene import Rect, lay_out
from capas.oci.digest import DiffID

ENGLISH = words_in("en")


def block(name: str, size: int) -> Block:
    return Block(name, DiffID.of(name.encode()), size, Step(1, "RUN", name, 0, "run"))


def stack(name: str, *blocks: Block) -> Stack:
    return Stack(Flag((name,), name), blocks)


def texts(root: Branch) -> list[str]:
    """The lanes, with the flag's name or the block's key in them."""
    return [line.lanes + (line.flag.names[0] if line.flag else line.block.key if line.block else "") for line in
            draw_lanes(root)]  # fmt: skip


@st.composite
def forests(draw: st.DrawFn) -> list[Stack]:
    """Stacks that share what is below: a layer of one name has one size."""
    sizes = draw(st.lists(st.integers(0, 10**12), min_size=3, max_size=6))
    blocks = [block(str(number), size) for number, size in enumerate(sizes)]
    paths = draw(st.lists(st.lists(st.sampled_from(blocks), max_size=6, unique=True), min_size=1, max_size=6))
    return [stack(f"image{number}", *path) for number, path in enumerate(paths)]


def test_two_images_share_the_layers_that_are_the_same_from_scratch_up() -> None:
    root = grow([stack("web", block("a", 1), block("b", 1)), stack("api", block("a", 1), block("c", 1))])
    assert [branch.block and branch.block.key for branch in root.walk()] == [None, "a", "b", "c"]


def test_the_same_layer_on_another_one_is_not_joined() -> None:
    root = grow([stack("web", block("a", 1), block("x", 1)), stack("api", block("b", 1), block("x", 1))])
    assert [above.block and above.block.key for branch in root.above for above in branch.above] == ["x", "x"]


def test_lanes_join_where_images_share_what_is_below() -> None:
    a, b, c = block("a", 4), block("b", 2), block("c", 1)
    root = grow([stack("web", a, b), stack("api", a, c), stack("base", a)])
    assert texts(root) == ["⚑ web", "█ b", "│ ⚑ api", "│ █ c", "├─┘", "⚑ base", "█ a", "◇ scratch"]


@given(st.integers(0, 10**13), st.integers(1, 10**13))
def test_a_bar_is_as_long_as_its_bytes(size: int, more: int) -> None:
    bar = bar_of(size, size + more)
    eighths = sum(8 if letter == "█" else " ▏▎▍▌▋▊▉".index(letter) for letter in bar)
    assert abs(eighths - size / (size + more) * BAR * 8) <= 1 and (size == 0) == (not bar)


@given(forests())
def test_the_area_of_a_block_is_its_bytes_by_one_factor(stacks: list[Stack]) -> None:
    root = grow(stacks)
    shown = [branch.block for branch in root.walk() if branch.block]
    rects = {rect.title: rect for rect in lay_out(root, ENGLISH).blocks}
    factors = [area(rects[title]) / size for title, size in ((title_of(one), one.size) for one in shown) if size]
    assert all(abs(factor / factors[0] - 1) < 1e-6 for factor in factors)


@given(forests())
def test_no_two_blocks_cover_each_other(stacks: list[Stack]) -> None:
    rects = lay_out(grow(stacks), ENGLISH).blocks
    assert not [pair for pair in itertools.combinations(rects, 2) if covers(*pair)]


@given(forests())
def test_every_block_and_flag_is_in_the_lanes_once(stacks: list[Stack]) -> None:
    root = grow(stacks)
    lines = draw_lanes(root)
    assert sum(line.block is not None for line in lines) == sum(branch.block is not None for branch in root.walk())
    assert sorted(names(line.flag for line in lines if line.flag)) == sorted(one.flag.names[0] for one in stacks)


def test_a_thousand_layers_are_drawn() -> None:
    root = grow([stack("tall", *(block(str(number), number) for number in range(1000)))])
    assert len(lay_out(root, ENGLISH).blocks) == 1000 and len(draw_lanes(root)) == 1002


def names(flags: Iterator[Flag]) -> Sequence[str]:
    return [flag.names[0] for flag in flags]


def title_of(one: Block) -> str:
    from capas.look.scene import title_of

    return title_of(one)


def area(rect: Rect) -> float:
    return rect.width * rect.height


def covers(one: Rect, other: Rect) -> bool:
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return wide > 1e-6 and high > 1e-6
