"""What an image takes on the disk once it is pulled and ready to run: bytes and inodes of each engine's store."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from engines import all_engines
from lab import Failed
from measure import settle
from peers import Lab

from cases.pulling import fetch

PREFIX = "disk-"
NAMES = tuple(f"{PREFIX}{image}" for image in ("debian", "nginx", "python", "synthetic"))
Sizes = Mapping[str, Mapping[str, Mapping[str, float | str]]]


def measure(lab: Lab, wanted: Collection[str]) -> Sizes:
    """By case and engine, what it takes; or why it is not known."""
    return {name: measure_image(lab, name.removeprefix(PREFIX)) for name in NAMES if name in wanted}


def measure_image(lab: Lab, image: str) -> Mapping[str, Mapping[str, float | str]]:
    """Of one image: what each engine's store has more than an empty one."""
    found: dict[str, Mapping[str, float | str]] = {}
    for engine in all_engines(lab, "disk"):
        try:
            engine.reset()
            before = usage(engine.place)
            fetch(engine, f"{lab.address}/library/{image}")
            settle(lab.work)  # blocks are given out when they are written
            after = usage(engine.place)
            found[engine.name] = {"mb": round((after[0] - before[0]) / 1e6, 1), "inodes": after[1] - before[1]}
        except (Failed, OSError, subprocess.SubprocessError) as error:
            found[engine.name] = {"error": str(error)}
    return found


def usage(place: Path) -> tuple[int, int]:
    """Bytes of the blocks and number of the inodes beneath a directory; what is mounted there is not its own."""
    seen: dict[int, int] = {}
    waiting = [place] if place.exists() else []
    device = place.stat().st_dev if waiting else 0
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if status.st_dev == device:
                    seen[status.st_ino] = status.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
    return sum(seen.values()), len(seen)
