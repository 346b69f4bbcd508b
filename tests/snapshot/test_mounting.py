"""Mounts from descriptors, and trees seen by one thread alone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import NotFound
from capas.oci.digest import DiffID
from capas.snapshot.contract import Mount
from capas.snapshot.mounting import join_paths, mount_all, mounted, read_overlay, split_paths, unsynced
from capas.snapshot.namespaces import in_private_mounts
from capas.snapshot.overlay import OverlaySnapshotter
from support.changesets import changeset, file


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="capas,odd:name\\") as path:
        yield Path(path)


def overlay(place: Path) -> Mount:
    for name in ("one", "two", "upper", "work", "shown"):
        (place / name).mkdir()
    (place / "one/a").write_bytes(b"1")
    lowers = f"lowerdir={join_paths([str(place / 'one'), str(place / 'two')])}"
    return Mount("overlay", "overlay", (lowers, f"upperdir={place / 'upper'}", f"workdir={place / 'work'}"))


def test_paths_in_options_survive_every_letter() -> None:
    paths = ("/a:b", "/c\\d", "/e,f", "/\\:")
    assert split_paths(join_paths(paths)) == paths


def test_an_overlay_tells_its_directories() -> None:
    mount = Mount("overlay", "overlay", ("lowerdir=/a\\:b:/c", "upperdir=/u", "workdir=/w"))
    assert read_overlay(mount) == (("/a:b", "/c"), "/u", "/w", None)


@pytest.mark.root
def test_a_path_of_any_letters_can_be_mounted(place: Path) -> None:
    mount = overlay(place)

    def work() -> bytes:
        mount_all([mount], place / "shown")
        return (place / "shown/a").read_bytes()

    assert in_private_mounts(work) == b"1"
    assert os.listdir(place / "shown") == []


@pytest.mark.root
def test_an_unsynced_mount_can_be_followed_by_another(place: Path) -> None:
    mounts = unsynced([overlay(place)])
    for turn in range(2):

        def work(turn: int = turn) -> None:
            mount_all(mounts, place / "shown")
            (place / f"shown/{turn}").touch()

        in_private_mounts(work)
    assert sorted(os.listdir(place / "upper")) == ["0", "1"]


@pytest.mark.root
def test_all_are_mounted_or_none(place: Path) -> None:
    mount = overlay(place)

    def work() -> list[str]:
        with pytest.raises(NotFound):
            mount_all([mount, Mount("bind", str(place / "missing"), ("bind",))], place / "shown")
        return os.listdir(place / "shown")

    assert in_private_mounts(work) == []


@pytest.mark.root
def test_a_mounted_tree_is_seen_by_children_and_gone_after_the_block(place: Path) -> None:
    snapshotter = OverlaySnapshotter(place)
    tar = changeset(file("a"))
    snapshotter.add_layer(DiffID.of(tar), io.BytesIO(tar))
    snapshotter.prepare("key", snapshotter.stack([DiffID.of(tar)]), writable=False)
    before = Path("/proc/self/mountinfo").read_bytes()
    with mounted(snapshotter, "key") as tree:
        assert subprocess.run(["ls", tree], capture_output=True).stdout == b"a\n"
        assert Path("/proc/self/mountinfo").read_bytes() == before
    assert not (tree / "a").exists()


@pytest.mark.root
def test_nothing_is_mounted_any_more_after_kill_9(place: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from capas.snapshot.mounting import mounted
from capas.snapshot.overlay import OverlaySnapshotter
snapshotter = OverlaySnapshotter(Path(sys.argv[1]))
snapshotter.prepare("key", None, writable=False)
with mounted(snapshotter, "key"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program, place]).returncode == -9
    assert os.fsencode(place) not in Path("/proc/self/mountinfo").read_bytes()
    OverlaySnapshotter(place).remove("key")
    assert os.listdir(place / "active") == []
