"""Layers unpacked apart and stacked are the tree that unpacking one onto the other gives."""

from __future__ import annotations

import io
import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from capas.errors import CapasError
from capas.layer.apply import apply
from capas.layer.entry import DIRECTORY, HARDLINK, SYMLINK
from capas.oci.digest import DiffID
from capas.snapshot.contract import Snapshotter
from capas.snapshot.mounting import mounted
from capas.snapshot.overlay import OverlaySnapshotter
from support.changesets import Member, changeset, directory, file, hardlink, symlink
from support.trees import Seen, look

NAMES = ["a", "b", "c", "l"]
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
times = st.integers(1, 1 << 40)
members = st.one_of(
    st.builds(lambda p, d, t: file(p, d, mtime_ns=t), paths, st.binary(max_size=3), times),
    st.builds(lambda p, d, t: file(p, d, mtime_ns=t), paths, st.binary(max_size=3), times),
    st.builds(lambda p, m, t: directory(p, m, mtime_ns=t), paths, st.sampled_from([0o700, 0o755]), times),
    st.builds(hardlink, paths, paths),
)
link = st.builds(lambda t: symlink("l", t, mtime_ns=5), st.sampled_from(["a", "/b", "b/c", "./../b"]))
whiteouts = st.one_of(
    paths.map(lambda p: file("/".join([*p.split("/")[:-1], ".wh." + p.split("/")[-1]]))),
    paths.map(lambda p: file(p + "/.wh..wh..opq")),
)


def in_order(layer: list[Member]) -> list[Member]:
    """As writers do: deletions first, a directory before what is in it, hard links last."""
    return sorted(layer, key=lambda m: (".wh." not in os.fsdecode(m[0].path), m[0].kind == HARDLINK, m[0].path))


def is_plain(layer: list[Member], target: str | None) -> bool:
    """Whether the layer says one thing about every path, also where a link leads: the order then does not matter."""
    said: dict[str, bytes | None] = {}
    for entry, _ in layer:
        path = os.fsdecode(entry.path)
        first, _, rest = path.partition("/")
        if target is not None and first == "l" and rest:
            path = os.path.normpath(f"{target}/{rest}").lstrip("/")
        folder, _, name = path.rpartition("/")
        if entry.kind == HARDLINK and entry.target == b"l":
            return False  # the link itself, or the directory that this layer has there?
        deletes = name.startswith(".wh.")
        place = folder if name == ".wh..wh..opq" else f"{folder}/{name.removeprefix('.wh.')}".lstrip("/")
        if place in said:
            return False
        said[place] = None if deletes else entry.kind
    return all(
        said.get(above, DIRECTORY) == DIRECTORY
        for path in said
        for above in (path.rsplit("/", n)[0] for n in range(1, path.count("/") + 1))
    )


bottoms = st.tuples(st.lists(members, max_size=8), st.lists(link, max_size=1)).map(lambda pair: [*pair[1], *pair[0]])
layers = st.lists(st.one_of(members, members, whiteouts), max_size=8)


def stacked(snapshotter: Snapshotter, tars: list[bytes]) -> dict[bytes, Seen]:
    names = []
    for tar in tars:
        names.append(DiffID.of(tar))
        snapshotter.add_layer(names[-1], io.BytesIO(tar))
    snapshotter.prepare("seen", snapshotter.stack(names), writable=False)
    with mounted(snapshotter, "seen") as tree:
        return below_root(tree)


def applied(tars: list[bytes], target: Path) -> dict[bytes, Seen]:
    target.mkdir()
    for tar in tars:
        apply(io.BytesIO(tar), target, style="plain")
    return below_root(target)


def below_root(tree: Path) -> dict[bytes, Seen]:
    """Beneath the root. `links` counts the names that can be seen: overlayfs tells those that a layer hides too."""
    found = {path: seen for path, seen in look(tree).items() if path != b"."}
    numbers = {path: os.lstat(os.path.join(os.fsencode(tree), path)).st_ino for path in found}
    names = Counter(numbers.values())
    return {path: seen._replace(links=names[numbers[path]]) for path, seen in found.items()}


@pytest.mark.root
@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(bottoms, st.lists(layers, min_size=1, max_size=3))
def test_a_stack_is_the_tree_of_its_layers_applied_in_turn(bottom: list[Member], rest: list[list[Member]]) -> None:
    target = next((os.fsdecode(entry.target) for entry, _ in bottom if entry.kind == SYMLINK), None)
    assume(is_plain(bottom, None) and all(is_plain(layer, None) and is_plain(layer, target) for layer in rest))
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        tars = [changeset(*in_order(layer)) for layer in (bottom, *rest)]
        try:
            expected = applied(tars, Path(place, "plain"))
        except (CapasError, OSError):
            assume(False)
        assert stacked(OverlaySnapshotter(Path(place, "overlay")), tars) == expected
