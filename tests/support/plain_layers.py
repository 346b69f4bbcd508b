"""Layers that say one thing about every path: the order of their entries does not matter. For property tests."""

from __future__ import annotations

import os

from hypothesis import strategies as st

from capas.layer.entry import DIRECTORY, HARDLINK, SYMLINK
from support.changesets import Member, directory, file, hardlink, symlink

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


def link_of(bottom: list[Member]) -> str | None:
    """Where the one link of a bottom layer leads."""
    return next((os.fsdecode(entry.target) for entry, _ in bottom if entry.kind == SYMLINK), None)


def is_plain_stack(bottom: list[Member], rest: list[list[Member]]) -> bool:
    """Whether every layer is plain, also where the bottom's link leads."""
    target = link_of(bottom)
    return is_plain(bottom, None) and all(is_plain(layer, None) and is_plain(layer, target) for layer in rest)
