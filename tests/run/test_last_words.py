"""What a container that removed itself leaves: its exit code, for a while."""

from __future__ import annotations

from pathlib import Path

from capas.run.last_words import find_code, leave_code


def test_the_exit_code_outlives_the_container(tmp_path: Path) -> None:
    assert find_code(tmp_path, "a" * 64) is None
    leave_code(tmp_path, "a" * 64, 3)
    assert find_code(tmp_path, "a" * 64) == 3


def test_only_the_last_ones_are_kept(tmp_path: Path) -> None:
    for number in range(600):
        leave_code(tmp_path, f"{number:064x}", 1)
    assert find_code(tmp_path, f"{0:064x}") is None and find_code(tmp_path, f"{599:064x}") == 1
