"""What of an image is waste: exact to the byte, in the layer that brought it, by the layer that hid it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capas.engine.engine import Engine
from capas.layer.contents import read_contents
from capas.layer.entry import FILE
from capas.layer.tree import Tree
from capas.layer.waste import weigh
from capas.look.waste import Duplicate, Loss, Waste, list_losses
from support.changesets import Member, changeset, directory, file, hardlink
from support.looking import make_engine, put_image


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(tmp_path)


def waste_of(engine: Engine, *layers: Sequence[Member]) -> Waste:
    put_image(engine, "app", *layers)
    return engine.look.waste("app")


def losses(found: Waste) -> list[tuple[object, ...]]:
    return [(one.path, one.size, one.layer, one.by, one.why) for one in found.losses]


def test_a_file_overwritten_three_times_is_lost_three_times_and_kept_once(engine: Engine) -> None:
    found = waste_of(engine, *([file("a", bytes([n]) * 10 * n)] for n in (4, 3, 2, 1)))
    assert losses(found) == [
        ("/a", 40, 0, 1, "overwritten"), ("/a", 30, 1, 2, "overwritten"), ("/a", 20, 2, 3, "overwritten"),
    ]  # fmt: skip
    assert (found.size, found.lost, found.efficiency) == (100, 90, pytest.approx(0.1))


def test_a_change_of_mode_alone_repeats_the_bytes(engine: Engine) -> None:
    found = waste_of(engine, [file("a", b"x" * 10)], [file("a", b"x" * 10, mode=0o755)])
    assert losses(found) == [("/a", 10, 0, 1, "repeated")]


def test_a_file_is_lost_with_its_last_name_only(engine: Engine) -> None:
    first = [file("a", b"x" * 10), hardlink("b", "a")]
    assert waste_of(engine, first, [file(".wh.a")]).losses == []
    assert losses(waste_of(engine, first, [file(".wh.a")], [file(".wh.b")])) == [("/b", 10, 0, 2, "deleted")]


def test_a_directory_goes_as_a_whole_and_comes_again(engine: Engine) -> None:
    lower = [directory("d/e"), file("d/e/a", b"1" * 10), file("d/e/b", b"2" * 5)]
    found = waste_of(engine, lower, [file(".wh.d"), directory("d/e"), file("d/e/a", b"1" * 10)])
    assert found.losses == [
        Loss("/d/e/a", "/d", 10, 0, 1, "repeated"), Loss("/d/e/b", "/d", 5, 0, 1, "deleted"),
    ]  # fmt: skip


def test_an_opaque_directory_loses_what_was_below(engine: Engine) -> None:
    found = waste_of(engine, [file("d/a", b"1" * 10)], [directory("d"), file("d/.wh..wh..opq"), file("d/n", b"1" * 3)])
    assert losses(found) == [("/d/a", 10, 0, 1, "deleted")]


def test_each_step_tells_what_it_added_lost_left_and_hides(engine: Engine) -> None:
    found = waste_of(engine, [file("a", b"1" * 10), file("var/log/x", b"2" * 4)], [file("a", b"3" * 7)])
    assert [(one.size, one.lost, one.left, one.hides) for one in found.steps] == [(14, 10, 4, 0), (7, 0, 0, 10)]
    assert found.wasted == 14


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("var/lib/apt/lists/deb_Packages.lz4", "apt lists"), ("var/cache/apt/pkgcache.bin", "apt cache"),
        ("var/cache/apk/a.apk", "apk cache"), ("root/.cache/pip/http/a", "pip cache"),
        ("home/me/.npm/_cacache/a", "npm cache"), ("var/log/dpkg.log", "logs"), ("tmp/a", "temporary files"),
        ("usr/lib/python3/__pycache__/a.cpython-312.pyc", "Python bytecode"), ("var/cache/dnf/a", "dnf cache"),
    ],
)  # fmt: skip
def test_what_tools_leave_behind_is_known(engine: Engine, path: str, kind: str) -> None:
    assert [one.kind for one in waste_of(engine, [file(path, b"1")]).leftovers] == [kind]


def test_what_only_looks_like_leftovers_is_none(engine: Engine) -> None:
    innocent = ["var/lib/apt/lists/lock", "srv/tmp/a", "usr/share/log", "tmp.d/a", "root/.cache"]
    assert waste_of(engine, [file(path, b"1") for path in innocent]).leftovers == []


def test_a_temporary_name_of_a_file_that_has_another_is_no_leftover(engine: Engine) -> None:
    assert waste_of(engine, [file("tmp/a", b"1"), hardlink("usr/a", "tmp/a")]).leftovers == []


def test_equal_files_are_duplicates_and_links_are_not(engine: Engine) -> None:
    found = waste_of(engine, [file("a", b"1" * 10), hardlink("b", "a")], [file("c", b"1" * 10), file("d"), file("e")])
    assert [(one.paths, one.wasted) for one in found.duplicates] == [(("/a", "/c"), 10)]
    assert isinstance(found.duplicates[0], Duplicate)
    assert found.wasted == 0


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
MEMBERS = st.one_of(
    st.builds(file, NAMES, st.binary(min_size=1, max_size=4)),
    st.builds(directory, NAMES),
    NAMES.map(lambda path: file("/".join([*path.split("/")[:-1], ".wh." + path.split("/")[-1]]))),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(MEMBERS, max_size=5), max_size=4))
def test_every_byte_is_in_the_image_or_lost(layers: list[list[Member]]) -> None:
    tars = [changeset(*layer) for layer in layers]
    tree = Tree(
        [read_contents(io.BytesIO(tar), digested=True) for tar in tars], lambda number: io.BytesIO(tars[number])
    )
    weights = weigh(tree, tree.bodies())
    kept = sum(len(tree.open(entry.path).read()) for entry in tree.iter() if entry.kind == FILE)
    assert sum(weight.size - weight.waste for weight in weights) == kept
    lost = list_losses(tree, tree.bodies())
    for number, weight in enumerate(weights):
        assert sum(one.size for one in lost if one.layer == number) == weight.waste
