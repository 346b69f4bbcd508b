"""Layers that may say anything, several things of one path too, in any order. For property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from support.changesets import device, directory, fifo, file, hardlink, symlink
from support.odd_layers import CAPABILITY

NAMES = ["a", "b", "c", "l"]
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
times = st.integers(-(1 << 30), 1 << 40).map(lambda seconds: seconds * 1000 + 7)
targets = st.one_of(paths, paths.map("/".__add__), st.sampled_from(["..", "../..", ".", "/", "../b/c", "x/../a"]))
xattrs = st.sampled_from([{}, {}, {b"user.one": b"1"}, {b"security.capability": CAPABILITY}])
members = st.one_of(
    st.builds(lambda p, d, t, x: file(p, d, mtime_ns=t, xattrs=x), paths, st.binary(max_size=700), times, xattrs),
    st.builds(lambda p, d, t: file(p, d, mtime_ns=t, mode=0o4711), paths, st.binary(max_size=3), times),
    st.builds(lambda p, m, t: directory(p, m, mtime_ns=t), paths, st.sampled_from([0o700, 0o1777]), times),
    st.builds(lambda p, t: symlink(p, t, mtime_ns=5), paths, targets),
    st.builds(lambda p, n: device(p, 1, n, mtime_ns=5), paths, st.integers(0, 3000)),
    st.builds(lambda p: fifo(p, mtime_ns=5), paths),
    st.builds(hardlink, paths, paths),
    paths.map(lambda p: file("/".join([*p.split("/")[:-1], ".wh." + p.split("/")[-1]]))),
    paths.map(lambda p: file(p + "/.wh..wh..opq")),
)
layers = st.lists(members, max_size=9)
