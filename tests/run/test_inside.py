"""Paths inside a tree that is not trusted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capas.errors import Invalid
from capas.run.inside import make_directories, opened_root, read_small, real_path
from capas.run.stubs import Stubs, Target


def test_links_and_dots_stop_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/escape").symlink_to("/../../../tmp")
    (tmp_path / "in/tmp").mkdir()
    with opened_root(tmp_path / "in") as root:
        assert real_path(root, "/escape") == "/tmp"
        assert real_path(root, "/../../tmp") == "/tmp"


def test_directories_are_made_through_links_inside_the_tree(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var/run").symlink_to("/run")
    made: list[str] = []
    with opened_root(tmp_path) as root:
        os.close(make_directories(root, "/var/run/app", made=made))
    assert made == ["/run", "/run/app"]
    assert (tmp_path / "run/app").is_dir()


def test_a_link_that_leads_out_makes_nothing_outside(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "work").symlink_to(f"{tmp_path}/outside")
    with opened_root(tree) as root:
        os.close(make_directories(root, "/work/dir"))
    assert not (tmp_path / "outside").exists()


def test_links_that_turn_in_circles_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with opened_root(tmp_path) as root, pytest.raises(OSError, match="symbolic links"):
        make_directories(root, "/a/x")


def test_nothing_is_entered_beneath_proc(tmp_path: Path) -> None:
    (tmp_path / "w").symlink_to("/proc/self/fd/7")
    with opened_root(tmp_path) as root, pytest.raises(OSError, match="beneath /proc"):
        make_directories(root, "/w")


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with opened_root(tmp_path) as root, pytest.raises(NotADirectoryError):
        make_directories(root, "/f/x")


def test_what_is_not_there_reads_as_nothing(tmp_path: Path) -> None:
    with opened_root(tmp_path) as root:
        assert read_small(root, "/etc/passwd", 10) is None


def test_a_path_with_a_nul_byte_is_refused(tmp_path: Path) -> None:
    with opened_root(tmp_path) as root, pytest.raises(Invalid, match="NUL"):
        read_small(root, "/a\0b", 10)


def test_stubs_are_taken_away_and_times_stay(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    os.utime(tmp_path / "etc", ns=(5, 5))
    with opened_root(tmp_path) as root:
        stubs = Stubs(root)
        stubs.add(Target("/etc/hosts", directory=False))
        stubs.add(Target("/a/b/c", directory=True))
        assert (tmp_path / "etc/hosts").is_file()
        stubs.clean()
    assert os.listdir(tmp_path) == ["etc"]
    assert os.listdir(tmp_path / "etc") == []
    assert os.stat(tmp_path / "etc").st_mtime_ns == 5


def test_a_stub_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "hosts").touch()
    with opened_root(tmp_path) as root:
        stubs = Stubs(root)
        stubs.add(Target("/hosts", directory=False))
        stubs.clean()
    assert (tmp_path / "hosts").exists()


def test_a_stub_that_became_a_link_is_left_and_not_followed(tmp_path: Path) -> None:
    tree, host = tmp_path / "tree", tmp_path / "host"
    tree.mkdir()
    host.mkdir()
    (host / "c").mkdir()
    with opened_root(tree) as root:
        stubs = Stubs(root)
        stubs.add(Target("/mnt/c", directory=True))
        (tree / "mnt/c").rmdir()
        (tree / "mnt").rmdir()
        (tree / "mnt").symlink_to(host)
        stubs.clean()
    assert (host / "c").is_dir()
    assert (tree / "mnt").is_symlink()


def test_a_stub_that_was_written_to_stays(tmp_path: Path) -> None:
    with opened_root(tmp_path) as root:
        stubs = Stubs(root)
        stubs.add(Target("/run/secret", directory=False))
        (tmp_path / "run/kept").write_text("x")
        stubs.clean()
    assert os.listdir(tmp_path / "run") == ["kept"]


def test_a_directory_cannot_cover_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with opened_root(tmp_path) as root, pytest.raises(Invalid, match="directory"):
        Stubs(root).add(Target("/f", directory=True))
