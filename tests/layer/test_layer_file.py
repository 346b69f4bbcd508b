"""A layer file takes what a layer can be and nothing else, costs what it holds, and finds its own damage."""

from __future__ import annotations

import io
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from capas.errors import CapasError, Corrupt, NotFound
from capas.layer.erofs.check import check_files
from capas.layer.erofs.file import LayerFile
from capas.layer.erofs.record import TAR
from capas.layer.files import LayerFiles
from capas.layer.section import open_section
from capas.oci.digest import DiffID
from support.changesets import Member, changeset, directory, file, hardlink, symlink
from support.odd_layers import END, SPARSE_FORMS, odd_tar, raw_header, sparse_tar, with_checksum, with_holes


def added(folder: Path, tar: bytes) -> Path:
    files = LayerFiles(folder)
    files.add(DiffID.of(tar), io.BytesIO(tar))
    return files.path(DiffID.of(tar))


def read_all(path: Path) -> list[object]:
    with LayerFile(path) as layer:
        return [layer.entries(), layer.notes()]


def small_layer() -> bytes:
    members = [
        directory("d", 0o750),
        file("d/f", b"x" * 600),
        hardlink("h", "d/f"),
        file(".wh.gone"),
        hardlink("n", "l"),
    ]
    return changeset(*members, symlink("s", "d/f")).removesuffix(END) + sparse_tar()


@pytest.mark.parametrize("data", [b"", b"CAPASLYR", b"CAPASLYR" + bytes(TAR), bytes(100_000)])
def test_a_file_that_is_no_layer_file_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(Corrupt):
        LayerFile(tmp_path / "x")
    with pytest.raises(NotFound):
        LayerFile(tmp_path / "y")


def test_a_file_that_is_cut_short_is_found_when_it_is_opened(tmp_path: Path) -> None:
    path = added(tmp_path, small_layer())
    whole = path.read_bytes()
    for size in range(0, len(whole), 997):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(Corrupt):
            LayerFile(tmp_path / "cut")


def flipped(path: Path, at: int) -> Path:
    """A copy with one bit turned over."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << at % 8
    other = path.with_name("flipped")
    other.write_bytes(data)
    return other


def test_a_bit_that_is_turned_anywhere_is_found_by_verifying(tmp_path: Path) -> None:
    path = added(tmp_path, small_layer())
    with LayerFile(path) as layer:
        layer.verify()
    for at in range(0, path.stat().st_size, 173):
        with pytest.raises(Corrupt), LayerFile(flipped(path, at)) as layer:
            layer.verify()


def test_a_bit_that_is_turned_in_what_tells_of_the_tar_is_found_by_reading(tmp_path: Path) -> None:
    path = added(tmp_path, small_layer())
    with LayerFile(path) as layer:
        record = layer.record
    expected = read_all(path)
    for at in [*range(0, TAR, 41), *range(record.metadata, record.size, 13)]:
        with pytest.raises(Corrupt):
            read_all(flipped(path, at))
    assert read_all(path) == expected


@pytest.mark.parametrize("form", SPARSE_FORMS)
def test_a_file_with_holes_is_read_as_it_was_from_every_form(tmp_path: Path, form: str) -> None:
    tar = SPARSE_FORMS[form]("s") + END
    path = added(tmp_path, tar)
    with LayerFile(path) as layer:
        (entry,) = layer.entries()
        assert entry.path == b"s"
        assert entry.size == len(with_holes())
        assert open_section(layer.open_tar(), entry).read() == with_holes()


def test_a_layer_of_everything_is_taken_and_verified(tmp_path: Path) -> None:
    with LayerFile(added(tmp_path, odd_tar())) as layer:
        layer.verify()
        assert layer.open_tar().read() == odd_tar()


def header(field: slice, value: bytes, kind: bytes = b"0") -> bytes:
    block = raw_header("a", kind)
    block[field] = value.ljust(field.stop - field.start, b"\0")
    return with_checksum(block) + END


def old_sparse(size: bytes) -> bytes:
    return header(slice(483, 495), size, b"S")


SIZE, TIME, DEVICE = slice(124, 136), slice(136, 148), slice(329, 337)
REFUSED = {
    "a size of 2^95": header(SIZE, b"\x80" + b"\x7f" * 11),
    "a negative size": header(SIZE, b"\xff" * 12),
    "a time of 2^95": header(TIME, b"\x80" + b"\x7f" * 11),
    "a time of -2^95": header(TIME, b"\xff\x80" + b"\x80" * 10),
    "a major of 2^40": header(DEVICE, b"\x80\0\1\0\0\0\0\0", b"3"),
    "a major of 2^12": header(DEVICE, b"0010000\0", b"3"),
    "a negative major": header(DEVICE, b"\xff" * 8, b"3"),
    "holes of 2^62": old_sparse(b"\x80\0\0\0\x40" + bytes(7)),
    "holes of 2^80": old_sparse(b"\x80\x80" + bytes(10)),
    "holes of less than nothing": old_sparse(b"\xff" * 12),
    "a name of 256 bytes": changeset(file("n" * 256)),
    "a whiteout of a name of 256 bytes": changeset(file(".wh." + "n" * 256)),
    "a name of a million bytes": changeset(file("a/" * 500_000 + "f")),
    "a link's target of 4,096 bytes": changeset(symlink("a", "t" * 4096)),
    "an ACL that is none": changeset(file("a", xattrs={b"system.posix_acl_access": b"none"})),
    "an ACL of an unknown tag": changeset(file("a", xattrs={b"system.posix_acl_access": b"\2\0\0\0" + b"\x40" * 8})),
    "a capability that is none": changeset(file("a", xattrs={b"security.capability": b"none"})),
    "attributes larger than an inode": changeset(file("a", xattrs={b"user.%d" % n: b"v" * 60_000 for n in range(6)})),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_filesystem_holds_is_refused_and_leaves_nothing(tmp_path: Path, case: str) -> None:
    with pytest.raises(CapasError):
        added(tmp_path, REFUSED[case])
    assert list(tmp_path.iterdir()) == []


DEEP = "x/" * 2000
BOMBS: dict[str, Callable[[], list[Member]]] = {
    "unlisted directories": lambda: [file(f"{n}/{'a/' * 2000}f") for n in range(2000)],
    "links that lead ever deeper": lambda: [
        m for n in range(30) for m in (directory(f"l{n}/{DEEP}"), symlink(f"l{n + 1}", f"l{n}/{DEEP[:-1]}"))
    ],
    "links to nothing in the depth": lambda: [
        symlink("l", DEEP[:-1]), directory(DEEP), *(hardlink(f"l/{n}", "none") for n in range(50_000))
    ],
    "links that go down and up again": lambda: [
        directory(DEEP), symlink("l", DEEP + "../" * 2000 + "."), symlink("k", "l"),
        *(m for n in range(20_000) for m in (file(f"l/{n}"), file(f"k/{n}"))),
    ],
    "whiteouts in the depth": lambda: [
        symlink("l", DEEP[:-1]), directory(DEEP), *(file(f"l/.wh.{n}") for n in range(50_000))
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS)
def test_a_small_tar_costs_little(tmp_path: Path, case: str) -> None:
    tar = changeset(*BOMBS[case]())
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(CapasError):
        added(tmp_path, tar)
    assert time.process_time() - begun < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB
    assert list(tmp_path.iterdir()) == []


def test_a_hundred_thousand_directories_take_time_in_proportion(tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        tar = changeset(*(directory(f"{n % 50}/{n}/" + "d/" * 5) for n in range(count)))
        begun = time.process_time()
        path = added(tmp_path, tar)
        read_all(path)
        return time.process_time() - begun

    assert seconds(5000) < 12 * max(seconds(1000), 0.05)


def test_links_in_a_circle_are_no_layer(tmp_path: Path) -> None:
    with pytest.raises(Corrupt):
        added(tmp_path, changeset(symlink("a", "b"), symlink("b", "a"), file("a/f")))


def test_hard_links_in_a_circle_are_left_to_the_layers_below(tmp_path: Path) -> None:
    with LayerFile(added(tmp_path, changeset(hardlink("a", "b"), hardlink("b", "a")))) as layer:
        assert [entry[:2] for entry in layer.entries()] == [(b"a", b"1"), (b"b", b"1")]


def test_the_umask_does_not_matter(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        path = added(tmp_path, changeset(file("a", mode=0o777)))
    finally:
        os.umask(old)
    with LayerFile(path) as layer:
        assert [entry.mode for entry in layer.entries()] == [0o777]
    assert path.stat().st_mode & 0o777 == 0o400


def test_a_check_tells_of_every_damaged_file_also_of_one_that_the_disk_does_not_give(tmp_path: Path) -> None:
    whole = added(tmp_path, small_layer())
    (tmp_path / ("0" * 64)).mkdir()  # reading it is an error of the system's
    (tmp_path / ("1" * 64)).write_bytes(b"")
    flipped(whole, TAR + 600).rename(tmp_path / ("2" * 64))
    found = list(check_files(LayerFiles(tmp_path), repair=False, report=lambda event: None))
    assert sorted(finding.subject for finding in found) == ["sha256:" + digit * 64 for digit in "012"]
