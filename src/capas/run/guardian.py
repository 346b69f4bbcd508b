"""A guardian: what this process started is ended when it is gone, also after kill -9."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from types import TracebackType

# The shell waits at our end of a pipe. The kernel closes it when we die; a line through it sends the shell home.
_SCRIPT = 'read -r _ && exit; kill -9 "$1"; shift; [ $# -eq 0 ] || exec "$@"'


class Guardian:
    """Kills `pid`, a child of ours, and runs `command` when this process ends before the block does."""

    def __init__(self, pid: int, command: Sequence[str] = ()) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", str(pid), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            start_new_session=True,  # a signal to our group is not for it
        )

    def release(self) -> None:
        """It has nothing to guard any more. Idempotent."""
        try:
            self._shell.communicate(b"\n")
        except ValueError:  # done before
            pass

    def __enter__(self) -> Guardian:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
