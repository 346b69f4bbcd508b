"""kill -9 at every write of the erofs driver, and disks that are full: a layer is whole or not there at all."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capas.errors import CapasError, Exhausted
from capas.oci.digest import DiffID
from capas.snapshot.choose import layer_files, open_driver
from capas.snapshot.contract import Snapshotter
from capas.snapshot.mounting import mounted
from capas.snapshot.namespaces import in_private_mounts
from support.changesets import changeset, directory, file, hardlink
from support.disks import disk_directory
from support.odd_layers import END, SPARSE_FORMS

pytestmark = pytest.mark.root

LISTED = changeset(directory("d", 0o700), file("d/f", b"f" * 3000), file("gone"))
LOWER = LISTED.removesuffix(END) + SPARSE_FORMS["1.0"]("s") + END
UPPER = changeset(file("d/new", b"n"), hardlink("h", "d/f"), file(".wh.gone"))
WORK = """
import io, itertools, os, signal, sys
from pathlib import Path
from capas.layer.writer import TarWriter
from capas.oci.digest import DiffID
from capas.snapshot.changes import write_changes
from capas.snapshot.choose import open_driver
from capas.snapshot.mounting import mounted
number, place = int(sys.argv[1]), Path(sys.argv[2])
calls = itertools.count(1)
def counted(call):
    def run(*args, **kwargs):
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return run
for name in ("write", "pwrite", "fsync", "link", "rename", "mkdir", "unlink", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
driver, names = open_driver(place, "erofs"), []
for path in sys.argv[3:]:
    tar = Path(path).read_bytes()
    names.append(DiffID.of(tar))
    driver.add_layer(names[-1], io.BytesIO(tar))
driver.prepare("work", driver.stack(names))
with mounted(driver, "work") as tree:
    (tree / "made").write_bytes(b"made")
out = io.BytesIO()
tar = TarWriter(out.write)
write_changes(driver, "work", tar)
tar.finish()
driver.commit("work", DiffID.of(out.getvalue()))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    with disk_directory() as path:
        yield path


def killed_at(number: int, place: Path, tars: list[Path]) -> bool:
    """Whether the work was killed, and not done before so many calls."""
    code = subprocess.run([sys.executable, "-c", WORK, str(number), place, *tars]).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


def test_whatever_write_a_process_is_killed_at_layers_are_whole_and_the_next_succeeds(place: Path) -> None:
    tars = [place / "lower", place / "upper"]
    for path, tar in zip(tars, (LOWER, UPPER), strict=True):
        path.write_bytes(tar)
    number = 1
    while killed_at(number, root := place / str(number), tars):
        check_whole(root)
        finish(open_driver(root, "erofs"))
        number += 1
    assert number > 30


def check_whole(root: Path) -> None:
    files = layer_files(root)
    names = os.listdir(files.folder) if files.folder.exists() else []
    assert {len(name) for name in names} <= {64}
    for name in names:
        with files.open(DiffID("sha256:" + name)) as layer:
            layer.verify()


def finish(driver: Snapshotter) -> None:
    """What was being done, from wherever it had come to."""
    names = [DiffID.of(tar) for tar in (LOWER, UPPER)]
    for name, tar in zip(names, (LOWER, UPPER), strict=True):
        driver.add_layer(name, io.BytesIO(tar))
    driver.remove("work")
    driver.prepare("again", driver.stack(names), writable=False)
    with mounted(driver, "again") as tree:
        assert sorted(os.listdir(tree)) == ["d", "h", "s"]
        assert (tree / "h").read_bytes() == b"f" * 3000
    driver.remove("again")
    assert os.listdir(driver._root / "ingest") == os.listdir(driver._root / "trash") == []  # type: ignore[attr-defined]


def on_small_disk(work: Callable[[Path], None]) -> None:
    """Do it in a directory on a disk of 6 MB."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        disk, place = Path(folder, "disk"), Path(folder, "place")
        with disk.open("wb") as file:
            file.truncate(6 << 20)
        flags = ["-q", "-F", "-O", "^has_journal", "-m", "0", "-N", "128"]
        subprocess.run(["/usr/sbin/mkfs.ext4", *flags, disk], check=True)
        place.mkdir()

        def inside() -> None:
            subprocess.run(["mount", "-o", "loop", disk, place], check=True)
            work(place)

        in_private_mounts(inside)


def test_wherever_a_disk_gets_full_nothing_is_left_of_the_layer() -> None:
    body = os.urandom(1 << 20)
    tar = changeset(file("big", body), *(file(f"{number:0100}") for number in range(2000)))

    def work(place: Path) -> None:
        driver = open_driver(place, "erofs")
        full = 0
        for kilobytes in range(0, 4400, 150):  # from no room at all to room enough
            leave_room(place, kilobytes)
            try:
                driver.add_layer(DiffID.of(tar), io.BytesIO(tar))
            except Exhausted:
                full += 1
                assert list(layer_files(place).iterate()) == []
            else:
                driver.remove(DiffID.of(tar))
        (place / "ballast").unlink()
        assert full > 10
        driver.add_layer(DiffID.of(tar), io.BytesIO(tar))
        with layer_files(place).open(DiffID.of(tar)) as layer:
            layer.verify()

    on_small_disk(work)


def leave_room(place: Path, kilobytes: int) -> None:
    ballast = place / "ballast"
    ballast.unlink(missing_ok=True)
    room = os.statvfs(place)
    fd = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    os.posix_fallocate(fd, 0, max(1024, room.f_bavail * room.f_frsize - kilobytes * 1024))
    os.close(fd)


def test_a_disk_without_inodes_is_said_to_be_full() -> None:
    tar = changeset(file("a", b"1"))

    def work(place: Path) -> None:
        driver = open_driver(place, "erofs")
        number = 0
        try:
            while True:
                (place / f"inode{number}").touch()
                number += 1
        except OSError:
            pass
        for step in (
            lambda: driver.add_layer(DiffID.of(tar), io.BytesIO(tar)),
            lambda: driver.prepare("key", None),
        ):
            with pytest.raises(CapasError):
                step()
        assert list(layer_files(place).iterate()) == []
        for other in range(number):
            (place / f"inode{other}").unlink()
        driver.add_layer(DiffID.of(tar), io.BytesIO(tar))
        driver.prepare("key", driver.stack([DiffID.of(tar)]))

    on_small_disk(work)
