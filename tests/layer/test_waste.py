"""What layers add, and what of it the layers above delete or overwrite again."""

from __future__ import annotations

import io
from collections.abc import Sequence

from capas.layer import waste
from capas.layer.contents import Contents
from capas.layer.entry import DIRECTORY, HARDLINK, SYMLINK, Entry
from capas.layer.tree import Tree
from capas.layer.waste import Weight


def layer(*entries: Entry) -> Contents:
    return Contents.of([entry._replace(offset=number * 512) for number, entry in enumerate(entries)])


def weigh(layers: Sequence[Contents]) -> list[Weight]:
    tree = Tree(layers, lambda number: io.BytesIO())
    return waste.weigh(tree, tree.bodies())


def file(path: bytes, size: int) -> Entry:
    return Entry(path, size=size)


def test_what_stays_is_no_waste() -> None:
    assert weigh([layer(Entry(b"d", DIRECTORY), file(b"d/a", 10)), layer(file(b"d/b", 5))]) == [
        Weight(10, 1, 0), Weight(5, 1, 0),
    ]  # fmt: skip


def test_a_file_that_is_overwritten_is_wasted_where_it_was_added() -> None:
    assert weigh([layer(file(b"a", 10)), layer(file(b"a", 4)), layer(file(b"a", 1))]) == [
        Weight(10, 1, 10), Weight(4, 1, 4), Weight(1, 1, 0),
    ]  # fmt: skip


def test_a_file_that_is_deleted_is_wasted() -> None:
    assert [one.waste for one in weigh([layer(file(b"d/a", 10)), layer(file(b"d/.wh.a", 0))])] == [10, 0]


def test_a_deleted_directory_wastes_all_that_was_in_it_by_layer() -> None:
    stack = [layer(file(b"d/a", 10)), layer(file(b"d/sub/b", 3)), layer(file(b".wh.d", 0))]
    assert [one.waste for one in weigh(stack)] == [10, 3, 0]


def test_an_opaque_directory_wastes_what_was_below_and_not_what_comes_with_it() -> None:
    stack = [layer(file(b"d/a", 10)), layer(file(b"d/b", 3), file(b"d/.wh..wh..opq", 0))]
    assert [one.waste for one in weigh(stack)] == [10, 0]


def test_a_directory_over_a_directory_wastes_nothing_and_a_file_over_one_everything() -> None:
    stack = [layer(file(b"d/a", 10)), layer(Entry(b"d", DIRECTORY)), layer(Entry(b"d", SYMLINK, target=b"x"))]
    assert [one.waste for one in weigh(stack)] == [10, 0, 0]


def test_bytes_with_another_name_left_are_not_wasted_until_it_goes_too() -> None:
    first = layer(file(b"a", 10), Entry(b"b", HARDLINK, target=b"a"))
    assert [one.waste for one in weigh([first, layer(file(b".wh.a", 0))])] == [0, 0]
    assert [one.waste for one in weigh([first, layer(file(b".wh.a", 0)), layer(file(b".wh.b", 0))])] == [10, 0, 0]


def test_a_deletion_through_a_link_to_a_directory_wastes_what_is_really_gone() -> None:
    stack = [layer(file(b"usr/x", 10), Entry(b"lib", SYMLINK, target=b"usr")), layer(file(b"lib/.wh.x", 0))]
    assert [one.waste for one in weigh(stack)] == [10, 0]


def test_a_directory_deleted_and_made_again_wastes_what_it_held_once() -> None:
    first, again = [Entry(b"d", DIRECTORY), file(b"d/a", 10)], [file(b".wh.d", 0), file(b"d/a", 10)]
    assert [one.waste for one in weigh([layer(*first), layer(*again), layer(*again)])] == [10, 10, 0]


def test_a_file_in_the_place_of_a_missing_directory_does_not_stop_it() -> None:
    assert weigh([layer(file(b"a", 1)), layer(file(b"a/b/c", 2))]) == [Weight(1, 1, 1), Weight(2, 1, 0)]
