"""Guardians: what this process started ends when it is gone, also after kill -9.

Each is a shell that reads from a pipe whose other end is ours: the kernel closes it when we die, at whatever moment.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

# What we were about to start may still be on its way when we die: it is looked for during two seconds
_LAST_WORDS = (
    "read -r _ && exit; mark=$1; shift; n=0; while [ $n -lt 20 ]; do"
    ' [ -e "$mark" ] && "$@" && [ ! -e "$mark" ] && exit; sleep 0.1; n=$((n+1)); done'
)
_CHILD = '"$@" & read -r _; kill -9 $!; wait'


class LastWords:
    """Runs `command` when this process ends before the block does, once there is a file `mark` for it to take away."""

    def __init__(self, mark: Path, command: Sequence[str]) -> None:
        self._shell = _start(_LAST_WORDS, [str(mark), *command])

    def __enter__(self) -> LastWords:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shell.communicate(b"\n")


class Guarded:
    """A running `command` that ends with this process at the latest."""

    def __init__(self, command: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> None:
        self._shell = _start(_CHILD, command, folder=folder, env=env)

    @property
    def running(self) -> bool:
        """Whether it is still guarded."""
        return self._shell.poll() is None

    def end(self) -> None:
        """End it and wait for its end."""
        self._shell.communicate()


def _start(
    script: str, words: Sequence[str], *, folder: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", *words],
        cwd=folder,
        env={"PATH": os.defpath} | dict(env or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a signal to our group is not for it
    )
