"""Applying changesets to real directories."""

from __future__ import annotations

import io
import os
import stat
import time
from pathlib import Path

import pytest

from capas.errors import Corrupt, Exhausted
from capas.layer.apply import apply
from capas.layer.diff import iter_tree, write_changes
from capas.layer.entry import Entry
from capas.layer.reader import Limits
from capas.layer.writer import TarWriter
from support.changesets import changeset, device, directory, fifo, file, hardlink, symlink


def put(target: Path, *members: tuple[Entry, bytes], style: str = "plain", **options: object):
    return apply(io.BytesIO(changeset(*members)), target, style=style, lenient=os.geteuid() != 0, **options)


def shown(target: Path) -> list[str]:
    return sorted(str(path.relative_to(target)) for path in target.rglob("*"))


def test_files_directories_and_links_come_to_be(tmp_path: Path) -> None:
    outcome = put(
        tmp_path, directory("a", 0o750), file("a/f", b"data", mode=0o640), symlink("a/s", "f"), hardlink("h", "a/f")
    )
    assert (tmp_path / "a/s").read_bytes() == b"data"
    assert (tmp_path / "h").samefile(tmp_path / "a/f")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "a/f").stat().st_mode) == 0o640
    assert (outcome.entries, outcome.size) == (4, 4)


def test_times_are_kept_to_the_nanosecond_also_of_directories(tmp_path: Path) -> None:
    put(tmp_path, directory("a", mtime_ns=1_500_000_000_123_456_789), file("a/f", mtime_ns=-1), symlink("a/s", "f"))
    assert (tmp_path / "a").stat().st_mtime_ns == 1_500_000_000_123_456_789
    assert (tmp_path / "a/f").stat().st_mtime_ns == -1
    assert (tmp_path / "a/s").lstat().st_mtime_ns == 0


def test_of_entries_with_one_path_the_last_wins(tmp_path: Path) -> None:
    put(tmp_path, directory("a"), file("a/b/c"), file("a", b"1"), file("a", b"2"), symlink("l", "x"), file("l", b"3"))
    assert (tmp_path / "a").read_bytes() == b"2"
    assert (tmp_path / "l").read_bytes() == b"3"


def test_directories_only_passed_through_keep_their_times(tmp_path: Path) -> None:
    put(tmp_path, directory("a", mtime_ns=5_000_000_000), file("a/x"))
    os.utime(tmp_path, ns=(7, 7))
    put(tmp_path, file("a/y"), file(".wh.nothing"), file("a/.wh.x"))
    assert shown(tmp_path) == ["a", "a/y"]
    assert (tmp_path / "a").stat().st_mtime_ns == 5_000_000_000
    assert tmp_path.stat().st_mtime_ns == 7


def test_whiteouts_delete_what_is_below_only(tmp_path: Path) -> None:
    put(tmp_path, file("a/old"), file("b/old"), file("c"))
    put(tmp_path, file("a/new"), file("a/.wh..wh..opq"), file("b/new"), file(".wh.b"), file(".wh.c"))
    assert shown(tmp_path) == ["a", "a/new", "b", "b/new"]


def test_a_layer_alone_notes_what_it_cannot_write(tmp_path: Path) -> None:
    outcome = put(
        tmp_path,
        directory("d"),
        file("d/.wh.gone"),
        file(".wh.d"),
        file("i/f"),
        hardlink("i/h", "usr/lower"),
        file("o/.wh..wh..opq"),
        style="notes",
    )
    assert outcome.whiteouts == (b"d/gone",)
    assert set(outcome.opaques) == {b"d", b"o"}
    assert set(outcome.implicit) == {b"", b"i"}
    assert [(link.path, link.target) for link in outcome.links] == [(b"i/h", b"usr/lower")]
    assert shown(tmp_path) == ["d", "i", "i/f"]


def test_an_implicit_directory_that_is_listed_later_is_not_implicit(tmp_path: Path) -> None:
    outcome = put(tmp_path, file("a/f"), directory("a", 0o700), directory(""), style="notes")
    assert outcome.implicit == ()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_a_link_into_the_layer_itself_is_made_and_one_that_was_overwritten_is_not_noted(tmp_path: Path) -> None:
    outcome = put(tmp_path, hardlink("a", "lower"), file("a", b"1"), hardlink("b", "a"), style="notes")
    assert outcome.links == ()
    assert (tmp_path / "b").samefile(tmp_path / "a")


def test_a_link_to_a_lower_layer_goes_with_its_directory(tmp_path: Path) -> None:
    listed = [hardlink("a/b/h", "lower"), file("a", b"1"), directory("a"), directory("a/b"), hardlink("a/k", "lower")]
    assert [link.path for link in put(tmp_path, *listed, style="notes").links] == [b"a/k"]
    (tmp_path / "2").mkdir()
    implied = [hardlink("a/b/h", "lower"), file("a", b"1"), file("a/b/c"), hardlink("a/b/k", "lower")]
    assert [link.path for link in put(tmp_path / "2", *implied, style="notes").links] == [b"a/b/k"]


@pytest.mark.root
def test_the_overlay_style_makes_overlayfs_marks(tmp_path: Path) -> None:
    outcome = put(tmp_path, file("a/.wh.x"), file("b/.wh..wh..opq"), file("b/f"), style="overlay")
    status = (tmp_path / "a/x").stat()
    assert stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
    assert os.getxattr(tmp_path / "b", "trusted.overlay.opaque") == b"y"
    assert outcome.whiteouts == (b"a/x",)
    assert outcome.bare == (b"a",)


@pytest.mark.root
def test_owners_special_bits_devices_and_attributes_are_set(tmp_path: Path) -> None:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    put(
        tmp_path,
        file("su", mode=0o4755, uid=70_000, gid=80_000, xattrs={b"security.capability": capability, b"user.a": b"\0"}),
        directory("sg", 0o3775, gid=5),
        file("sg/in", b"x"),
        device("null", 1, 3, mode=0o666),
        fifo("p", mode=0o622),
        symlink("l", "su", uid=7),
    )
    status = (tmp_path / "su").stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o4755, 70_000, 80_000)
    assert os.getxattr(tmp_path / "su", "security.capability") == capability
    assert os.getxattr(tmp_path / "su", "user.a") == b"\0"
    assert (tmp_path / "sg").stat().st_mode & 0o7777 == 0o3775
    assert (tmp_path / "sg/in").stat().st_gid == 0
    assert (tmp_path / "null").stat().st_rdev == os.makedev(1, 3)
    assert stat.S_IMODE((tmp_path / "null").stat().st_mode) == 0o666
    assert stat.S_IMODE((tmp_path / "p").stat().st_mode) == 0o622
    assert (tmp_path / "l").lstat().st_uid == 7


@pytest.mark.root
def test_the_unions_own_marks_never_come_from_an_image(tmp_path: Path) -> None:
    marks = {b"trusted.overlay.opaque": b"y", b"user.overlay.opaque": b"y", b"trusted.overlay.redirect": b"/etc"}
    put(tmp_path, directory("d", xattrs=marks), file("f", xattrs=marks), device("w", 0, 0), style="overlay")
    assert os.listxattr(tmp_path / "d") == [] and os.listxattr(tmp_path / "f") == []


@pytest.mark.root
def test_a_directory_listed_again_loses_attributes_that_it_no_longer_has(tmp_path: Path) -> None:
    put(tmp_path, directory("d", xattrs={b"user.a": b"1"}))
    put(tmp_path, directory("d", xattrs={b"user.b": b"2"}))
    assert os.listxattr(tmp_path / "d") == ["user.b"]


def test_a_sparse_file_is_written_with_its_holes(tmp_path: Path) -> None:
    size = 1 << 32
    pieces = ((1 << 20, 4096), (size - 4096, 4096))
    body = io.BytesIO(b"x" * 8192)

    class Sparse(io.RawIOBase):
        position = 0

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0) -> int:
            self.position = size if whence else offset
            return self.position

        def read(self, count: int = -1) -> bytes:
            return body.read(min(count, 4096))

    put(tmp_path, (Entry(b"s", size=size, sparse=pieces), Sparse()))
    status = (tmp_path / "s").stat()
    assert status.st_size == size
    assert status.st_blocks * 512 < 1 << 20
    with open(tmp_path / "s", "rb") as f:
        f.seek((1 << 20) - 1)
        assert f.read(4098) == b"\0" + b"x" * 4096 + b"\0"
        f.seek(size - 4097)
        assert f.read() == b"\0" + b"x" * 4096


def test_a_huge_sparse_file_goes_from_tree_to_tree_without_being_blown_up(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with open(old / "huge", "wb") as f:
        f.truncate(1 << 40)
        f.seek(1 << 30)
        f.write(b"data")
    out = io.BytesIO()
    tar = TarWriter(out.write)
    write_changes(iter_tree(old), tar)
    tar.finish()
    assert len(out.getvalue()) < 1 << 20
    apply(io.BytesIO(out.getvalue()), new, style="plain")
    status = (new / "huge").stat()
    assert (status.st_size, status.st_blocks * 512 < 1 << 20) == (1 << 40, True)
    with open(new / "huge", "rb") as f:
        f.seek((1 << 30) - 2)
        assert f.read(8) == b"\0\0data\0\0"


def test_a_truncated_changeset_is_corrupt(tmp_path: Path) -> None:
    data = changeset(file("a", b"x" * 3000))
    for cut in (100, 512, 1024, 3000):
        with pytest.raises(Corrupt):
            apply(io.BytesIO(data[:cut]), tmp_path, style="plain")


def test_entries_have_a_limit(tmp_path: Path) -> None:
    with pytest.raises(Exhausted):
        put(tmp_path, file("a"), file("b"), file("c"), limits=Limits(entries=2))


def test_a_very_deep_tree_is_applied_and_replaced_in_linear_time(tmp_path: Path) -> None:
    deep = "/".join("d" * 3_000)
    put(tmp_path, file(deep + "/f", b"1"))
    put(tmp_path, file("d", b"2"))
    assert shown(tmp_path) == ["d"]


def test_hundreds_of_parents_in_conflict_take_no_time(tmp_path: Path) -> None:
    members = []
    for _ in range(300):
        members += [file("a/b/c/d"), file("a"), symlink("a", "b"), file("a/x")]
    put(tmp_path, *members)
    assert shown(tmp_path)[:2] == ["a", "b"]


def test_thousands_of_links_beside_thousands_of_removals_are_linear(tmp_path: Path) -> None:
    members = [hardlink(f"h/{number}", "lower") for number in range(6_000)]
    for number in range(6_000):
        members += [directory(f"d{number}"), file(f"d{number}")]
    began = time.process_time()
    assert len(put(tmp_path, *members, style="notes").links) == 6_000
    assert time.process_time() - began < 4


@pytest.mark.root
def test_a_directory_made_again_for_its_marks_alone_is_bare(tmp_path: Path) -> None:
    gone = [file("a/b/c"), file("a"), file("a/b/d/.wh..wh..opq")]
    assert set(put(tmp_path, *gone, style="overlay").bare) == set()
    (tmp_path / "2").mkdir()
    moved = [file("a/b/c"), hardlink("a", "none"), file("a/b/d/.wh..wh..opq")]
    assert set(put(tmp_path / "2", *moved, style="overlay").bare) == {b"a", b"a/b", b"a/b/d"}
