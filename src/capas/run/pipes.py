"""Pipes between a process and whoever attends to it."""

from __future__ import annotations

import os
from typing import NamedTuple

from capas.run.streams import Attached

DROPPED, STDOUT, STDERR = 0, 1, 2  # a stream's number; 0 for what is read and shown to nobody


class Pipes(NamedTuple):
    """`attached` are the process's ends, the others ours: `outputs` with the number of each stream."""

    attached: Attached
    stdin: int | None
    outputs: tuple[tuple[int, int], ...]

    def close(self) -> None:
        """Close ours, where nothing came of it."""
        for fd in (*(fd for fd, _ in self.outputs), self.stdin):
            if fd is not None:
                os.close(fd)


def open_pipes(*, stdin: bool, stdout: bool, stderr: bool) -> Pipes:
    """A pipe for each stream that is wanted. Where no output is, one is read all the same: its end is the process's."""
    theirs: dict[str, int] = {}
    writer: int | None = None
    outputs: list[tuple[int, int]] = []
    if stdin:
        theirs["stdin"], writer = os.pipe()
    number_of_stdout = STDOUT if stdout else DROPPED
    for wanted, name, number in ((stdout or not stderr, "stdout", number_of_stdout), (stderr, "stderr", STDERR)):
        if wanted:
            reader, theirs[name] = os.pipe()
            outputs.append((reader, number))
    return Pipes(Attached(**theirs), writer, tuple(outputs))
