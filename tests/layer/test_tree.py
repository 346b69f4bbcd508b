"""Stacked layers seen through their tables of contents."""

from __future__ import annotations

import io

import pytest

from capas.errors import Invalid, NotFound
from capas.layer.contents import Contents
from capas.layer.entry import DIRECTORY, FILE, HARDLINK, SYMLINK, Entry
from capas.layer.tree import Tree


def file(path: str, body: bytes = b"", **more: object) -> tuple[Entry, bytes]:
    return Entry(path.encode(), FILE, size=len(body), **more), body  # type: ignore[arg-type]


def folder(path: str, mode: int = 0o755) -> tuple[Entry, bytes]:
    return Entry(path.encode(), DIRECTORY, mode), b""


def link(path: str, target: str, kind: bytes = SYMLINK) -> tuple[Entry, bytes]:
    return Entry(path.encode(), kind, target=target.encode()), b""


def stack(*layers: list[tuple[Entry, bytes]]) -> Tree:
    tars, contents = [], []
    for layer in layers:
        data, entries = bytearray(), []
        for entry, body in layer:
            entries.append(entry._replace(offset=len(data)) if entry.kind == FILE else entry)
            data += body
        tars.append(bytes(data))
        contents.append(Contents.of(entries))
    return Tree(contents, lambda number: io.BytesIO(tars[number]))


def names(tree: Tree, path: str = "") -> list[str]:
    return [entry.path.decode() for entry in tree.iter(path.encode()) if entry.path]


def test_an_upper_file_hides_a_lower_one() -> None:
    tree = stack([file("a", b"old")], [file("a", b"new!")])
    assert tree.open(b"a").read() == b"new!"


def test_a_whiteout_deletes_below_but_not_in_its_own_layer() -> None:
    tree = stack([folder("d"), file("d/x"), file("y")], [file("d/.wh.x"), file(".wh.d"), folder("d"), file("d/new")])
    assert names(tree) == ["d", "d/new", "y"]


def test_an_opaque_directory_keeps_only_its_own_layer() -> None:
    tree = stack([folder("d"), file("d/x")], [file("d/z"), file("d/.wh..wh..opq")])
    assert names(tree) == ["d", "d/z"]


def test_a_directory_over_a_directory_changes_attributes_and_keeps_children() -> None:
    tree = stack([folder("d"), file("d/x")], [folder("d", 0o700)])
    found = tree.find(b"d")
    assert found is not None
    assert found.mode == 0o700
    assert names(tree) == ["d", "d/x"]


def test_a_file_over_a_directory_takes_its_children_away() -> None:
    assert names(stack([folder("d"), file("d/x")], [file("d")])) == ["d"]


def test_a_directory_that_no_layer_lists_is_there_all_the_same() -> None:
    tree = stack([file("a/b/c")])
    assert names(tree) == ["a", "a/b", "a/b/c"]


def test_a_parent_that_is_a_link_below_leads_to_its_target() -> None:
    tree = stack([folder("usr"), folder("usr/lib"), link("lib", "usr/lib")], [file("lib/x", b"1")])
    assert names(tree, "usr") == ["usr", "usr/lib", "usr/lib/x"]
    assert tree.open(b"/lib/x").read() == b"1"


@pytest.mark.parametrize("path", ["d/x", "/d/x", "//d/x", "d//x", "./d/x", "d/./x", "d/../d/x", "/../d/x"])
def test_a_path_is_found_however_it_is_written(path: str) -> None:
    tree = stack([folder("d"), file("d/x", b"1")])
    for top in (path, path.removesuffix("/x")):
        assert tree.resolve(top.encode()) == ("d/x" if top == path else "d").encode()
        assert names(tree, top) == (["d/x"] if top == path else ["d", "d/x"])
    assert tree.open(path.encode()).read() == b"1"


def test_links_stay_inside_the_root() -> None:
    tree = stack([link("up", "../../etc"), link("abs", "/etc/passwd"), folder("etc"), file("etc/passwd", b"p")])
    assert tree.resolve(b"up/passwd") == b"etc/passwd"
    assert tree.open(b"abs").read() == b"p"


def test_a_loop_of_links_ends_in_an_error() -> None:
    with pytest.raises(Invalid, match="links"):
        stack([link("a", "b"), link("b", "a")]).resolve(b"a")


def test_a_hard_link_into_a_lower_layer_has_the_lower_body() -> None:
    tree = stack([file("a", b"below")], [link("b", "a", HARDLINK)])
    assert tree.open(b"b").read() == b"below"


def test_a_hard_link_to_a_symbolic_link_leads_where_that_does() -> None:
    tree = stack([folder("d"), file("d/x", b"1"), link("s", "d"), link("h", "s", HARDLINK), file("h/y", b"2")])
    assert tree.open(b"h/x").read() == b"1"
    assert names(tree, "d") == ["d", "d/x", "d/y"]


def test_a_name_that_comes_twice_in_a_layer_is_what_it_was_last() -> None:
    tree = stack([folder("d"), file("d/a", b"1"), file("d/b", b"2"), file("d/a", b"3")])
    assert tree.open(b"d/a").read() == b"3"
    assert [(one.entry.path, one.by, one.replaced) for one in tree.hidden] == [(b"d/a", 0, True)]


def test_what_has_several_names_is_a_body_and_counts_once() -> None:
    tree = stack([folder("d"), file("d/a", b"12345"), link("d/b", "d/a", HARDLINK)], [file(".wh.x"), file("c/e", b"6")])
    assert tree.size == 6
    assert len(tree.bodies()) == 4  # d, what d/a and d/b hold, c, what c/e holds


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        stack([file("a")]).open(b"b")


def test_files_are_read_in_tar_order_whatever_was_asked_first() -> None:
    tree = stack([file("a", b"1"), file("b", b"22")], [file("c", b"333")])
    assert [(e.path, b.read()) for e, b in tree.iter_files([b"c", b"b", b"a"])] == [
        (b"a", b"1"),
        (b"b", b"22"),
        (b"c", b"333"),
    ]


def test_the_holes_of_a_sparse_file_are_zeros() -> None:
    entry = Entry(b"s", FILE, size=10, offset=0, sparse=((2, 3), (8, 1)))
    tree = Tree([Contents.of([entry])], lambda _: io.BytesIO(b"abcd"))
    assert tree.open(b"s").read() == b"\0\0abc\0\0\0d\0"


def test_contents_come_back_from_bytes_as_they_were() -> None:
    contents = Contents.of([Entry(b"\xff\n", FILE, size=3, xattrs={b"user.a": b"\0"}, sparse=((0, 3),), offset=512)])
    assert list(Contents.load(contents.dump()).entries) == list(contents.entries)
