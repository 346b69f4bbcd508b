"""What an image is like to use: a first start, and reading all of its files, from the disk and from memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from case import Case
from engines import all_engines
from measure import Contender, run
from peers import Lab

from cases.pulling import fetch

READ_ALL = ("sh", "-c", "find / -xdev -type f -print0 | xargs -0 cat >/dev/null")
GOAL = "≤ the overlay driver's"


def use(image: str, words: Sequence[str], *, cold: bool) -> Callable[[Lab], Sequence[Contender]]:
    """A command in a container of the image, with the page cache dropped or filled."""

    def prepare(lab: Lab) -> Sequence[Contender]:
        name = f"{lab.address}/library/{image}"
        found = []
        for engine in all_engines(lab, "use"):
            command = engine.run(name, *words)
            before = drop_caches if cold else partial(run, command)
            found.append(Contender(engine.name, [command], before, partial(fetch, engine, name), engine.daemon))
        return found

    return prepare


def drop_caches() -> None:
    """The kernel forgets what it has read of files and directories."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


CASES = (
    Case("start-python-cold", "run --rm python true, page cache dropped", use("python", ("true",), cold=True), GOAL, 3),
    Case("start-python", "run --rm python true", use("python", ("true",), cold=False), GOAL),
    Case(
        "read-python-cold",
        "all files of Python with pandas, cache dropped",
        use("python", READ_ALL, cold=True),
        GOAL,
        3,
    ),
    Case("read-python", "all files of Python with pandas, cached", use("python", READ_ALL, cold=False), GOAL, 3),
    Case(
        "read-synthetic-cold",
        "all files of the synthetic image, cache dropped",
        use("synthetic", READ_ALL, cold=True),
        GOAL,
        3,
    ),
    Case("read-synthetic", "all files of the synthetic image, cached", use("synthetic", READ_ALL, cold=False), GOAL, 3),
)
