"""Which ids an ordinary user may map."""

from __future__ import annotations

from pathlib import Path

from capas.snapshot.idmaps import IdRange, id_map, read_ranges


def test_ranges_are_found_by_name_and_by_number(tmp_path: Path) -> None:
    (tmp_path / "subuid").write_text("ana:100000:65536\nbob:1:2\n1000:300000:10\n")
    assert read_ranges(tmp_path / "subuid", "ana", 1000) == [IdRange(100000, 65536), IdRange(300000, 10)]


def test_a_line_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "subuid").write_text("# ana\nana:x:5\nana:5\nana:7:0\nana:9:1\n\n")
    assert read_ranges(tmp_path / "subuid", "ana", 1000) == [IdRange(9, 1)]


def test_no_file_gives_no_range(tmp_path: Path) -> None:
    assert read_ranges(tmp_path / "missing", "ana", 1000) == []


def test_we_are_root_and_the_ranges_follow_one_another() -> None:
    assert id_map(1000, [IdRange(100000, 10), IdRange(300000, 5)]) == [0, 1000, 1, 1, 100000, 10, 11, 300000, 5]
