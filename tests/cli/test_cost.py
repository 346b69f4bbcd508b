"""What steps cost: told after a build and by the history, never part of the image."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.building import write_files
from support.terminal import Terminal

pytestmark = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.peer("busybox")]

DOCKERFILE = """\
FROM busybox
ENV A=b
RUN head -c 5000 /dev/zero > /big; head -c 300 /dev/zero > /kept
RUN rm /big
COPY Dockerfile /
"""
ROW = "{{.Seconds}}|{{.Cached}}|{{.Size}}|{{.Files}}|{{.Waste}}"


def test_the_history_tells_what_each_step_took_added_and_wasted(capas: Terminal, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": DOCKERFILE})
    table = capas.ok("build", "--cost", "--progress", "quiet", "-t", "costly", str(tmp_path))
    assert "SECONDS" in table
    rows = [
        row.split("|") for row in capas.ok("history", "--cost", "--no-human", "--format", ROW, "costly").splitlines()
    ]
    copied, removed, made, env, *base = rows
    size = str(len(DOCKERFILE))
    assert [row[1:] for row in (copied, removed, made)] == [
        ["no", size, "1", "0"], ["no", "0", "0", "0"], ["no", "5300", "2", "5000"],
    ]  # fmt: skip
    assert all(float(row[0]) >= 0 for row in (copied, removed, made))
    assert env == ["", "", "0", "0", "0"]
    assert all(row[:2] == ["", ""] for row in base)
    capas.ok("build", "--progress", "quiet", "-t", "costly", str(tmp_path))
    again = [row.split("|") for row in capas.ok("history", "--cost", "--format", ROW, "costly").splitlines()]
    assert [row[1] for row in again[:3]] == ["yes"] * 3
    assert [row[0] for row in again[:3]] == [row[0] for row in rows[:3]]


def test_what_steps_took_goes_with_the_image_and_is_in_no_digest(capas: Terminal, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN touch /only-here\n"})
    one = capas.ok("build", "-q", "-t", "timed", str(tmp_path))
    two = capas.ok("build", "-q", "--no-cache", "-t", "timed", str(tmp_path))
    assert one == two
    capas.ok("rmi", "timed")
    assert "no such image" in capas.fails("history", "--cost", "timed")
