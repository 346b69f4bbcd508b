"""dive beside us on one archive: where it is exact we agree, where it counts a byte twice or never we say why."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from capas.engine.engine import Engine
from support.changesets import Member, directory, file, hardlink
from support.looking import make_engine, put_image

DIVE = Path(sys.executable).with_name("dive")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(tmp_path)


def both(engine: Engine, folder: Path, *layers: Sequence[Member]) -> tuple[int, int]:
    """The bytes that dive calls wasted, and those that we call lost."""
    put_image(engine, "app:1", *layers)
    archive, report = folder / "app.tar", folder / "dive.json"
    with archive.open("wb") as out:
        engine.images.save(out, ["app:1"])
    words = [DIVE, f"docker-archive://{archive}", "--json", report]
    subprocess.run(words, check=True, capture_output=True, timeout=60, env={"HOME": str(folder), "PATH": ""})
    found: dict[str, Any] = json.loads(report.read_text())
    return found["image"]["inefficientBytes"], engine.look.waste(str(archive)).lost


def test_a_deleted_file_is_the_same_for_both(engine: Engine, tmp_path: Path) -> None:
    assert both(engine, tmp_path, [directory("d"), file("d/a", b"1" * 700)], [file("d/.wh.a")]) == (700, 700)


def test_dive_counts_the_copy_that_the_image_needs_and_we_do_not(engine: Engine, tmp_path: Path) -> None:
    layers = [[file("a", bytes([n]) * 100)] for n in range(3)]
    assert both(engine, tmp_path, *layers) == (300, 200)


def test_dive_does_not_see_what_goes_with_its_directory_and_we_do(engine: Engine, tmp_path: Path) -> None:
    assert both(engine, tmp_path, [directory("d"), file("d/a", b"1" * 700)], [file(".wh.d")]) == (0, 700)


def test_dive_counts_bytes_that_live_on_under_another_name_and_we_do_not(engine: Engine, tmp_path: Path) -> None:
    assert both(engine, tmp_path, [file("a", b"1" * 700), hardlink("b", "a")], [file(".wh.a")]) == (700, 0)
