"""Layers applied, stacked and compared: the tree on disk, the merged tables of contents and a plain model are one."""

from __future__ import annotations

import io
import os
import tempfile
from collections import Counter
from hashlib import sha256
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from capas.layer.apply import apply
from capas.layer.contents import Contents, read_contents
from capas.layer.diff import iter_difference, iter_tree, write_changes
from capas.layer.entry import DIRECTORY, FILE, HARDLINK
from capas.layer.scan import iter_members
from capas.layer.tree import Tree
from capas.layer.writer import TarWriter
from support.changesets import Member, changeset, directory, file, hardlink, symlink
from support.model import ModelTree

NAMES = ["a", "b", "c"]
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
times = st.integers(1, 1 << 40)
targets = st.one_of(paths, paths.map("/".__add__), st.sampled_from(["..", "../..", ".", "/", "../b/c", "x/../a"]))
members = st.one_of(
    st.builds(lambda p, d, t: file(p, d, mtime_ns=t), paths, st.binary(max_size=3), times),
    st.builds(lambda p, d, t: file(p, d, mtime_ns=t), paths, st.binary(max_size=3), times),
    st.builds(lambda p, m, t: directory(p, m, mtime_ns=t), paths, st.sampled_from([0o700, 0o755]), times),
    st.builds(lambda p, t: symlink(p, t, mtime_ns=5), paths, targets),
    st.builds(hardlink, paths, paths),
)
whiteouts = st.one_of(
    paths.map(lambda p: file("/".join([*p.split("/")[:-1], ".wh." + p.split("/")[-1]]))),
    paths.map(lambda p: file(p + "/.wh..wh..opq")),
)
# Writers put a directory's whiteouts before what it brings.
layers = st.tuples(st.lists(whiteouts, max_size=3), st.lists(members, max_size=6)).map(lambda pair: pair[0] + pair[1])


def possible(stack: list[list[Member]]) -> tuple[ModelTree, list[list[Member]]]:
    """The model of the layers, and the layers without links to nothing or around in circles."""
    model, kept = ModelTree(), []
    for layer in stack:
        model.begin_layer()
        good = []
        for member in layer:
            trial = model.copy()
            try:
                trial.add(*member)
            except (LookupError, RecursionError):
                continue
            model = trial
            good.append(member)
        kept.append(good)
    return model, kept


def on_disk(root: Path) -> dict[bytes, tuple[object, ...]]:
    found: dict[bytes, tuple[object, ...]] = {}
    for member in iter_members(root):
        entry = member.entry
        if entry.kind == HARDLINK:
            found[entry.path] = found[entry.target]
            continue
        data = b""
        if entry.kind == FILE:
            with member.open() as body:
                data = body.read()
        found[entry.path] = (
            entry.kind, entry.mode, entry.mtime_ns, entry.target, data, dict(entry.xattrs), entry.path
        )  # fmt: skip
    return found


def without_root(tree: dict[bytes, tuple[object, ...]]) -> dict[bytes, tuple[object, ...]]:
    return {path: seen for path, seen in sorted(tree.items()) if path}


def in_tar_order(names: dict[bytes, tuple[object, ...]]) -> dict[bytes, tuple[object, ...]]:
    """First names by the order of paths, however the walk met them."""
    first: dict[object, bytes] = {}
    for path in sorted(names, key=lambda path: path.split(b"/")):
        first.setdefault(names[path][-1], path)
    return {path: (*seen[:-1], first[seen[-1]]) for path, seen in names.items()}


def applied(stack: list[list[Member]], target: Path) -> None:
    for layer in stack:
        apply(io.BytesIO(changeset(*layer)), target, style="plain")


@settings(max_examples=100, deadline=None)
@given(st.lists(layers, max_size=4))
def test_layers_applied_one_after_another_are_the_model(stack: list[list[Member]]) -> None:
    model, stack = possible(stack)
    with tempfile.TemporaryDirectory(dir=scratch()) as place:
        applied(stack, Path(place))
        assert in_tar_order(without_root(on_disk(Path(place)))) == without_root(model.shown())


@settings(max_examples=100, deadline=None)
@given(st.lists(layers, max_size=4))
def test_the_merged_tables_of_contents_are_the_model(stack: list[list[Member]]) -> None:
    model, stack = possible(stack)
    tars = [changeset(*layer) for layer in stack]
    tree = Tree([read_contents(io.BytesIO(tar)) for tar in tars], lambda number: io.BytesIO(tars[number]))
    found = {}
    for entry in tree.iter():
        data = tree.open(entry.path).read() if entry.kind == FILE else b""
        found[entry.path] = (entry.kind, entry.mode, entry.mtime_ns, entry.target, data, dict(entry.xattrs))
    assert without_root(found) == {path: seen[:-1] for path, seen in without_root(model.shown()).items()}


@settings(max_examples=100, deadline=None)
@given(st.lists(layers, max_size=4))
def test_whatever_a_layer_brought_is_in_the_tree_or_hidden_once(stack: list[list[Member]]) -> None:
    _, stack = possible(stack)
    tars = [changeset(*layer) for layer in stack]
    tables = [read_contents(io.BytesIO(tar), digested=True) for tar in tars]
    tree = Tree(tables, lambda number: io.BytesIO(tars[number]))
    seen = [one.made for one in (*tree.iter_located(), *tree.hidden) if one.entry.kind != DIRECTORY]
    brought = [
        number
        for number, table in enumerate(tables)
        for entry in table.entries
        if entry.kind != DIRECTORY and not entry.path.rpartition(b"/")[2].startswith(b".wh.")
    ]
    assert Counter(seen) == Counter(brought)
    assert all(one.made <= one.by for one in tree.hidden)


@settings(max_examples=50, deadline=None)
@given(st.lists(layers, max_size=3))
def test_every_file_of_the_tree_has_the_digest_of_what_it_holds(stack: list[list[Member]]) -> None:
    model, stack = possible(stack)
    tars = [changeset(*layer) for layer in stack]
    tables = [read_contents(io.BytesIO(tar), digested=True) for tar in tars]
    tree = Tree([Contents.load(table.dump()) for table in tables], lambda number: io.BytesIO(tars[number]))
    found = {one.entry.path: one.sum.hex() for one in tree.iter_located() if one.entry.kind == FILE}
    shown = without_root(model.shown())
    assert found == {path: sha256(seen[4]).hexdigest() for path, seen in shown.items() if seen[0] == FILE}  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(st.lists(layers, min_size=1, max_size=3))
def test_a_whole_tree_written_and_applied_is_the_same_tree(stack: list[list[Member]]) -> None:
    _, stack = possible(stack)
    with tempfile.TemporaryDirectory(dir=scratch()) as place:
        old, new = Path(place, "old"), Path(place, "new")
        old.mkdir()
        new.mkdir()
        applied(stack, old)
        apply(written(iter_tree(old)), new, style="plain")
        assert without_root(on_disk(new)) == without_root(on_disk(old))


@settings(max_examples=50, deadline=None)
@given(st.lists(layers, min_size=1, max_size=2), layers)
def test_a_difference_applied_to_the_old_tree_gives_the_new(stack: list[list[Member]], last: list[Member]) -> None:
    _, stack = possible([*stack, last])
    with tempfile.TemporaryDirectory(dir=scratch()) as place:
        old, new = Path(place, "old"), Path(place, "new")
        old.mkdir()
        new.mkdir()
        applied(stack[:-1], old)
        applied(stack, new)
        apply(written(iter_difference(old, new)), old, style="plain")
        assert timeless(on_disk(old)) == timeless(on_disk(new))


def written(changes: object) -> io.BytesIO:
    out = io.BytesIO()
    tar = TarWriter(out.write)
    write_changes(changes, tar)  # type: ignore[arg-type]
    tar.finish()
    return io.BytesIO(out.getvalue())


def timeless(tree: dict[bytes, tuple[object, ...]]) -> dict[bytes, tuple[object, ...]]:
    """A directory's time is no change of its own."""
    return {
        path: (*seen[:2], 0, *seen[3:]) if seen[0] == DIRECTORY else seen for path, seen in without_root(tree).items()
    }


def scratch() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
