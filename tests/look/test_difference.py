"""What differs between two images: by content, not by size or time; packages, config, history."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capas.engine.engine import Engine
from capas.image.edit import assemble
from capas.layer.contents import read_contents
from capas.layer.entry import DIRECTORY, SYMLINK
from capas.layer.tree import Tree
from capas.look.difference import ImageDiff, Opened, compare, compare_trees
from capas.oci.config import Execution
from capas.store.memory import MemoryBlobs
from support.changesets import Member, changeset, device, directory, file, hardlink, symlink
from support.images import config_of, put_layer
from support.looking import make_engine, put_image
from support.model import ModelTree


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(tmp_path)


def diff(engine: Engine, old: Sequence[Member], new: Sequence[Member]) -> ImageDiff:
    put_image(engine, "old", old)
    put_image(engine, "new", new)
    return engine.look.diff("old", "new")


def changes(found: ImageDiff) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.path, one.what) for one in found.files]


def test_a_change_of_content_is_seen_where_size_and_time_are_the_same(engine: Engine) -> None:
    assert changes(diff(engine, [file("a", b"one")], [file("a", b"two")])) == [("/a", ("content",))]


def test_a_change_of_time_alone_is_none(engine: Engine) -> None:
    found = diff(engine, [file("a", b"1", mtime_ns=1)], [file("a", b"1", mtime_ns=2)])
    assert found.is_nothing


def test_each_respect_in_which_a_file_differs_is_told(engine: Engine) -> None:
    old = [file("m", mode=0o644), file("o"), symlink("l", "a"), device("d", 1, 3), file("k"), file("x")]
    new = [
        file("m", mode=0o4755), file("o", uid=7), symlink("l", "b"), device("d", 1, 5), directory("k"),
        file("x", xattrs={b"user.a": b"1"}),
    ]  # fmt: skip
    assert changes(diff(engine, old, new)) == [
        ("/d", ("device",)), ("/k", ("kind", "mode")), ("/l", ("target",)), ("/m", ("mode",)), ("/o", ("owner",)),
        ("/x", ("xattrs",)),
    ]  # fmt: skip


def test_added_and_removed_files_have_one_side(engine: Engine) -> None:
    gone, come = diff(engine, [file("a", b"123")], [file("b", b"12345")]).files
    assert (gone.new, gone.growth, come.old, come.growth) == (None, -3, None, 5)


def test_the_same_tree_in_other_layers_is_no_difference_of_files(engine: Engine) -> None:
    put_image(engine, "old", [file("a", b"1"), file("b", b"2")])
    put_image(engine, "new", [file("a", b"1"), file("c")], [file("b", b"2"), file(".wh.c")], steps=["x", "y"])
    found = engine.look.diff("old", "new")
    assert (found.files, found.shared_layers, found.is_nothing) == ([], 0, False)


def test_a_hard_link_and_a_copy_hold_the_same(engine: Engine) -> None:
    old, new = [file("a", b"1"), hardlink("b", "a")], [file("a", b"1"), file("b", b"1")]
    assert diff(engine, old, new).is_nothing


STATUS = "Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\n\n"


def status(**versions: str) -> Member:
    return file("var/lib/dpkg/status", "".join(STATUS.format(*pair) for pair in versions.items()).encode())


def test_packages_are_new_gone_newer_and_older(engine: Engine) -> None:
    found = diff(engine, [status(a="1", b="1.9", c="2", d="1")], [status(a="1", b="1.10", c="1", e="3")])
    assert [(one.name, one.turn, one.old, one.new) for one in found.packages] == [
        ("b", "up", "1.9", "1.10"), ("c", "down", "2", "1"), ("d", "removed", "1", ""), ("e", "new", "", "3"),
    ]  # fmt: skip


def test_pythons_and_nodes_packages_are_compared_too(engine: Engine) -> None:
    def python(version: str) -> Member:
        return file(f"lib/f-{version}.dist-info/METADATA", f"Name: f\nVersion: {version}\n".encode())

    def node(version: str) -> Member:
        return file("app/node_modules/n/package.json", f'{{"name": "n", "version": "{version}"}}'.encode())

    found = diff(engine, [python("3.0rc1"), node("2.0.0")], [python("3.0"), node("2.0.0-beta")])
    assert [(one.kind, one.name, one.turn) for one in found.packages] == [("npm", "n", "down"), ("pypi", "f", "up")]


def test_config_and_history_are_compared(engine: Engine) -> None:
    same = [file("a")]
    put_image(engine, "old", same, steps=["RUN a", "#ENV A=1"], execution=Execution(env=("A=1",), user="me"))
    put_image(engine, "new", same, steps=["RUN a", "#ENV A=2"], execution=Execution(env=("A=2",)))
    found = engine.look.diff("old", "new")
    assert [(one.what, one.name, one.old, one.new) for one in found.config] == [
        ("User", "", "me", None), ("Environment", "A", "1", "2"),
    ]  # fmt: skip
    assert [(one.sign, one.step) for one in found.history] == [("-", "ENV A=1"), ("+", "ENV A=2")]


def test_a_history_made_to_keep_us_busy_is_not_lined_up(engine: Engine) -> None:
    for name in ("old", "new"):
        put_image(engine, name, [file("a")], steps=["RUN a", *(f"#ENV {name}={n % 7}" for n in range(3000))])
    assert len(engine.look.diff("old", "new").history) == 6002


def test_an_image_here_is_compared_with_its_archive(engine: Engine, tmp_path: Path) -> None:
    put_image(engine, "app:1", [file("a", b"1")])
    with (tmp_path / "app.tar").open("wb") as out:
        engine.images.save(out, ["app:1"])
    assert engine.look.diff("app:1", str(tmp_path / "app.tar")).is_nothing


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
MODES = st.sampled_from([0o700, 0o755])
MEMBERS = st.one_of(
    st.builds(lambda path, data, mode: file(path, data, mode=mode), NAMES, st.binary(max_size=2), MODES),
    st.builds(directory, NAMES, MODES),
    st.builds(symlink, NAMES, st.sampled_from(["x", "y"])),
    NAMES.map(lambda path: file("/".join([*path.split("/")[:-1], ".wh." + path.split("/")[-1]]))),
)  # fmt: skip
STACKS = st.lists(st.lists(MEMBERS, max_size=5), max_size=3)


def opened(layers: list[list[Member]]) -> tuple[Opened, dict[bytes, tuple[object, ...]]]:
    """The image of these layers, and what the plain model says is in it, times and names of links left out."""
    layers = [sorted(layer, key=lambda member: b".wh." not in member[0].path) for layer in layers]
    blobs, tars, model = MemoryBlobs(), [changeset(*layer) for layer in layers], ModelTree()
    for layer in layers:
        model.begin_layer()
        for member in layer:
            model.add(*member)
    image = assemble(blobs, config_of(tars), [put_layer(blobs, tar, "none") for tar in tars])
    tree = Tree(
        [read_contents(io.BytesIO(tar), digested=True) for tar in tars], lambda number: io.BytesIO(tars[number])
    )
    shown = {path: (seen[0], seen[1] if seen[0] != SYMLINK else 0, *seen[3:6]) for path, seen in model.shown().items()}
    return Opened(image, tree), shown


@settings(max_examples=150, deadline=None)
@given(STACKS, STACKS, STACKS)
def test_exactly_the_paths_at_which_the_trees_differ_are_told(
    base: list[list[Member]], one: list[list[Member]], two: list[list[Member]]
) -> None:
    (old, before), (new, after) = opened(base + one), opened(base + two)
    found = {change.path.encode()[1:]: change for change in compare_trees(old, new)}
    assert set(found) == {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert all((change.old is None) is (path not in before) for path, change in found.items())
    assert all((change.new is None) is (path not in after) for path, change in found.items())
    for path, change in found.items():
        if path in before and path in after and before[path][0] == after[path][0] != DIRECTORY:
            assert ("content" in change.what) is (before[path][3] != after[path][3])
    assert compare(old, old).is_nothing
