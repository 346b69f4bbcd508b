"""Trees under way and trees that go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from capas.snapshot.lock import held
from capas.snapshot.scratch import Scratch


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    for name in ("ingest", "trash"):
        (tmp_path / name).mkdir()
    return Scratch(tmp_path)


def test_what_is_left_in_a_directory_goes_with_its_block(scratch: Scratch) -> None:
    with scratch.directory() as place:
        (place / "sub").mkdir()
        (place / "sub/file").touch()
    assert not place.exists()


def test_what_was_renamed_away_stays(scratch: Scratch, tmp_path: Path) -> None:
    with scratch.directory() as place:
        os.rename(place, tmp_path / "kept")
    assert (tmp_path / "kept").is_dir()


def test_cleaning_leaves_alone_what_a_living_process_makes(scratch: Scratch, tmp_path: Path) -> None:
    with scratch.directory() as place:
        Scratch(tmp_path).clean()
        assert place.is_dir()


def test_cleaning_takes_what_dead_processes_left(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "ingest/1.1/deep").mkdir(parents=True)
    (tmp_path / "trash/1.1/tree").mkdir(parents=True)
    scratch.clean()
    assert os.listdir(tmp_path / "ingest") == os.listdir(tmp_path / "trash") == []


def test_no_link_is_followed_when_deleting(scratch: Scratch, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(tmp_path / "precious")
    scratch.discard(tmp_path / "tree")
    assert (tmp_path / "precious/file").exists()


def test_a_tree_of_any_depth_is_deleted(scratch: Scratch, tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    scratch.discard(tmp_path / "d")
    assert not (tmp_path / "d").exists()
    assert os.listdir(tmp_path / "trash") == []


def test_discarding_nothing_is_nothing(scratch: Scratch, tmp_path: Path) -> None:
    scratch.discard(tmp_path / "missing")
    assert os.listdir(tmp_path / "trash") == []


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from capas.snapshot.lock import held
with held(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program, tmp_path / "lock"])
    with held(tmp_path / "lock", forget=True):
        pass
    assert os.listdir(tmp_path) == []
