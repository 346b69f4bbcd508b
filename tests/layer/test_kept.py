"""A table of contents as bytes that are kept: what comes back, and what is not believed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from capas.errors import Corrupt, Unsupported
from capas.layer.contents import UNKNOWN, Contents
from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, HARDLINK, SYMLINK, Entry

HEAD = f"capas contents 3 {sys.byteorder}\n".encode()
NAMES = st.binary(min_size=1, max_size=4).filter(lambda name: b"\0" not in name and b"/" not in name)
PATHS = st.lists(st.one_of(NAMES, st.sampled_from([b"a", b".wh.a", b".wh..wh..opq"])), max_size=3).map(b"/".join)
LARGE = st.one_of(st.integers(0, 300), st.integers(0, 1 << 62))
ENTRIES = st.builds(
    Entry,
    path=PATHS,
    kind=st.sampled_from([FILE, HARDLINK, SYMLINK, CHARACTER, BLOCK, DIRECTORY, FIFO]),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 0xFFFFFFFE),
    gid=st.integers(0, 0xFFFFFFFE),
    size=LARGE,
    mtime_ns=st.integers(-(1 << 92), 1 << 92),  # seconds up to 2**62, as headers have them
    target=st.binary(max_size=4),
    device=st.tuples(st.integers(0, 4095), st.integers(0, 1 << 20)),
    xattrs=st.dictionaries(st.binary(min_size=1, max_size=3), st.binary(max_size=3), max_size=2),
    offset=st.integers(-1, 1 << 62),
    sparse=st.one_of(st.none(), st.lists(st.tuples(LARGE, LARGE), max_size=2).map(tuple)),
)
TABLE = Contents.of([Entry(b"d", DIRECTORY), Entry(b"d/a", size=1, offset=512), Entry(b"d/b", size=2)], b"\1" * 96)


def document(**changes: Any) -> bytes:
    """The kept bytes of `TABLE`, whose checksums are right, with other fields."""
    names = ["folders", "lengths", "names", "kinds", "numbers", "targets", "devices", "xattrs", "sparse", "sums"]
    plain = msgspec.msgpack.decode(zstandard.decompress(TABLE.dump()[len(HEAD) :]), strict=False)
    return packed(msgspec.msgpack.encode([changes.get(name, value) for name, value in zip(names, plain, strict=True)]))


def packed(plain: bytes) -> bytes:
    return HEAD + zstandard.ZstdCompressor(write_checksum=True).compress(plain)


@given(st.lists(ENTRIES, max_size=8))
def test_what_was_kept_comes_back_as_it_was(entries: list[Entry]) -> None:
    kept = Contents.of(entries, b"".join(bytes([number]) * 32 for number in range(len(entries))))
    found = Contents.load(kept.dump())
    assert found.entries == entries
    assert found.sums == kept.sums


@given(st.lists(ENTRIES, max_size=8))
def test_columns_tell_the_entries_that_they_were_made_of(entries: list[Entry]) -> None:
    columns = Contents.of(entries).columns
    assert list(columns.iter_paths()) == [entry.path for entry in entries]
    assert columns.marks() == [row for row, one in enumerate(entries) if one.path.split(b"/")[-1].startswith(b".wh.")]
    for folder, rows in columns.iter_runs():
        assert {entries[row].path.rpartition(b"/")[0] for row in rows} == {folder}
        assert len({columns.is_plain(row) for row in rows}) == 1


def test_no_damaged_bit_changes_what_is_told() -> None:
    data, told = TABLE.dump(), 0
    for bit in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            found = Contents.load(bytes(damaged))
        except (Corrupt, Unsupported):
            continue
        told += 1
        assert (found.entries, found.sums) == (TABLE.entries, TABLE.sums)
    assert told < 10  # bits of the frame's header that say how much room is needed, or nothing


def test_a_table_that_was_cut_off_is_not_believed() -> None:
    data = TABLE.dump()
    for end in range(len(data)):
        with pytest.raises((Corrupt, Unsupported)):
            Contents.load(data[:end])


def test_a_table_of_another_version_is_told_from_a_damaged_one() -> None:
    for old in (b"\x92\x01\x90", zstandard.compress(msgspec.msgpack.encode((2, [], b"")))):
        with pytest.raises(Unsupported):
            Contents.load(old)


def test_a_size_that_no_table_has_is_not_made_room_for() -> None:
    frame = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(bytes(1 << 20)))
    frame[4:9] = bytes([0xE4]) + (1 << 40).to_bytes(8, "little")[:4]  # eight bytes of a size: a terabyte
    frame[9:9] = (1 << 40).to_bytes(8, "little")[4:]
    assert zstandard.frame_content_size(bytes(frame)) >= 1 << 40
    with pytest.raises(Corrupt, match="size"):
        Contents.load(HEAD + bytes(frame))


CRAFTED: dict[str, Callable[[], bytes]] = {
    "not msgpack": lambda: packed(b"\xc1"),
    "a list that is too short": lambda: packed(msgspec.msgpack.encode([b"", b""])),
    "a name too few": lambda: document(names=b"d\0a"),
    "a name too many": lambda: document(names=b"d\0a\0b\0c"),
    "a kind too few": lambda: document(kinds=b"50"),
    "a kind that is none": lambda: document(kinds=b"50x"),
    "no kinds at all": lambda: document(kinds=b""),
    "a folder too few": lambda: document(folders=b""),
    "longer runs than there are rows": lambda: document(lengths=("B", b"\1\7")),
    "an empty run": lambda: document(folders=b"\0d\0d", lengths=("B", b"\1\2\0")),
    "a run of less than nothing": lambda: document(lengths=("q", b"\xff" * 16)),
    "numbers of no width": lambda: document(lengths=("X", b"\1\2")),
    "numbers of two widths": lambda: document(lengths=("BH", b"\1\2")),
    "half a number": lambda: document(lengths=("H", b"\1\0\2")),
    "a number in words": lambda: document(lengths=("", b"one two")),
    "a column of numbers too few": lambda: document(numbers=[("B", b"\1\2\3")] * 5),
    "a short column": lambda: document(numbers=[("B", b"\1\2\3")] * 5 + [("B", b"\1\2")]),
    "a target of no row": lambda: document(targets={3: b"x"}),
    "a device of a row below zero": lambda: document(devices={-1: (1, 2)}),
    "a sum too few": lambda: document(sums=bytes(64)),
}  # fmt: skip


@pytest.mark.parametrize("crafted", CRAFTED)
def test_columns_that_do_not_fit_together_are_not_believed(crafted: str) -> None:
    with pytest.raises(Corrupt, match="table of contents"):
        Contents.load(CRAFTED[crafted]())


def test_what_the_crafted_ones_were_made_of_is_believed() -> None:
    assert Contents.load(document()).entries == TABLE.entries


def test_what_was_not_read_has_no_sum() -> None:
    contents = Contents.load(Contents.of(TABLE.entries).dump())
    assert not contents.is_digested
    assert contents.sum(1) == UNKNOWN
    assert contents.list_sums() == [UNKNOWN] * 3
