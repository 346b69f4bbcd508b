"""Places that files are copied from: what a directory of the host shows, to several threads at once too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pytest

from capas.build.selection import content_key, pick
from capas.build.sources.descriptors import Directories
from capas.build.sources.digests import FileDigests
from capas.build.sources.directory import DirectoryFiles
from capas.dockerfile.ignore import Ignore, parse_ignore
from capas.layer.entry import Entry
from support.building import write_files


def test_two_readers_of_a_directory_do_not_take_names_from_each_other(tmp_path: Path) -> None:
    write_files(tmp_path, {str(number): "" for number in range(10)})
    directories = Directories(tmp_path)
    one, two = directories.open_dir(b""), directories.open_dir(b"")
    with os.scandir(one) as first, os.scandir(two) as second:
        next(first)
        assert len(list(second)) == 10
    os.close(one)
    os.close(two)
    directories.close()


def test_a_directory_as_deep_as_can_be_is_no_trouble(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)
    files = open_files(tmp_path, ignore=parse_ignore("d\n!**/x"))
    (one,) = pick(files, ["."])
    assert [path.rpartition(b"/")[2] for path, _ in one.iter_below()][-1] == b"x"
    assert content_key([one], fixed_mode=False, keep_owner=True)
    files.close()
    remove_deep(tmp_path / "d")


def test_a_folder_is_seen_once_more_only_if_something_in_it_is_new(tmp_path: Path) -> None:
    context = write_files(tmp_path / "c", {"src/a": "1", "src/sub/b": "2", "c": "3"})
    first = keyed(context, tmp_path / "known")
    assert first.read == {b"src/a", b"src/sub/b", b"c"}
    assert keyed(context, tmp_path / "known") == (first.key, set())
    (context / "src" / "sub" / "b").write_text("4")
    again = keyed(context, tmp_path / "known")
    assert again.read == {b"src/sub/b"}
    assert again.key != first.key


def test_a_mode_a_name_and_a_link_count_and_times_do_not(tmp_path: Path) -> None:
    context = write_files(tmp_path / "c", {"src/a": "1", "c": "3"})
    (context / "src" / "l").symlink_to("a")
    keys = [keyed(context, tmp_path / "known").key]
    os.utime(context / "src" / "a", (7, 7))
    assert keyed(context, tmp_path / "known").key == keys[0]
    (context / "src" / "a").chmod(0o600)
    keys.append(keyed(context, tmp_path / "known").key)
    (context / "src" / "a").rename(context / "src" / "b")
    keys.append(keyed(context, tmp_path / "known").key)
    (context / "src" / "l").unlink()
    (context / "src" / "l").symlink_to("b")
    keys.append(keyed(context, tmp_path / "known").key)
    (context / "src").chmod(0o700)
    keys.append(keyed(context, tmp_path / "known").key)
    assert len(set(keys)) == 5


def test_a_file_that_was_written_as_it_was_looked_at_is_never_trusted(tmp_path: Path) -> None:
    context = write_files(tmp_path / "c", {"src/a": "1"})
    now_ns = (context / "src" / "a").stat().st_ctime_ns
    keyed(context, tmp_path / "known", now_ns=now_ns)
    assert keyed(context, tmp_path / "known").read == {b"src/a"}


def test_what_is_remembered_of_files_that_are_gone_is_forgotten(tmp_path: Path) -> None:
    context = write_files(tmp_path / "c", {f"src/{number}": "1" for number in range(500)})
    keyed(context, tmp_path / "known")
    size = (tmp_path / "known").stat().st_size
    for number in range(490):
        (context / "src" / str(number)).unlink()
    (context / "src" / "new").write_text("")
    keyed(context, tmp_path / "known")
    assert (tmp_path / "known").stat().st_size < size / 10


@pytest.mark.parametrize("damage", [b"", b"\xff", b"\x93\x02\x80\xc0", b"\x93\x01\x80\x80", b"\x93\x02\x80\x81"])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, damage: bytes) -> None:
    context = write_files(tmp_path / "c", {"src/a": "1"})
    first = keyed(context, tmp_path / "known")
    (tmp_path / "known").write_bytes(damage)
    assert keyed(context, tmp_path / "known") == first


class Keyed(NamedTuple):
    """A key, and which files had to be read for it."""

    key: str
    read: set[bytes]


def keyed(context: Path, known: Path, *, now_ns: int | None = None) -> Keyed:
    later_ns = max(path.lstat().st_ctime_ns for path in context.rglob("*")) + 10**10
    digests = FileDigests(known, lambda: now_ns or later_ns)
    files = DirectoryFiles(context, ignore=None, digests=digests, mtime_ns=0)
    read: set[bytes] = set()
    whole = files.open

    def watched(entry: Entry) -> BinaryIO:
        read.add(entry.path)
        return whole(entry)

    files.open = watched  # type: ignore[method-assign]
    key = content_key(pick(files, ["src", "c*"]), fixed_mode=False, keep_owner=True)
    files.close()
    return Keyed(key, read)


def open_files(root: Path, *, ignore: Ignore | None = None) -> DirectoryFiles:
    return DirectoryFiles(root, ignore=ignore, digests=FileDigests(None, lambda: 0), mtime_ns=0)


def remove_deep(path: Path) -> None:
    """As rm -r; shutil recurses too deeply."""
    import subprocess

    subprocess.run(["rm", "-rf", str(path)], check=True)
