"""A person at a real terminal: a program started with a pseudo-terminal for all that it has."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

from capas.run.pump import set_size

_SECONDS = 60.0


class Person:
    """Types, reads what comes, and waits for the end. Leaving the block ends the program."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], size: tuple[int, int] = (24, 80)) -> None:
        self.fd, theirs = os.openpty()
        set_size(self.fd, size)
        self._settings = termios.tcgetattr(theirs)
        self._keep = os.dup(theirs)
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(environ), start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # noqa: PLW1509  # its controlling terminal
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""
        self._at = 0

    def read_until(self, text: str) -> str:
        """What comes up to this text, from where the last reading ended. Raises: AssertionError where it does not."""
        deadline = time.monotonic() + _SECONDS
        while text not in self.seen[self._at :]:
            if not select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{text!r} never came after {self.seen!r}")
            self.seen += os.read(self.fd, 65536).decode(errors="replace")
        start, self._at = self._at, self.seen.index(text, self._at) + len(text)
        return self.seen[start : self._at]

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self.fd, text.encode())

    def wait(self) -> int:
        """The exit code; what comes until then is read."""
        deadline = time.monotonic() + _SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.fd], [], [], 0.05)[0]:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
        while select.select([self.fd], [], [], 0)[0]:
            self.seen += os.read(self.fd, 65536).decode(errors="replace")
        return self.process.returncode

    @property
    def is_as_before(self) -> bool:
        """Whether the terminal's settings are those it had."""
        return termios.tcgetattr(self._keep) == self._settings

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._keep)
        os.close(self.fd)
