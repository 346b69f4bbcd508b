"""The three streams of a container, as its keeper arranges them."""

from __future__ import annotations

import os
import threading
from typing import NamedTuple

from capas.run.logs import LogWriter
from capas.run.pump import Feeder, Sink, drain, get_size, open_terminal, set_size, to_descriptor


class Attached(NamedTuple):
    """Whose descriptors the streams are joined to; None for nobody's (a detached container)."""

    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None


class Streams:
    """The streams of one start. With `log` what comes out is copied to it; without, we hand our own on unread."""

    def __init__(self, attached: Attached, *, tty: bool, interactive: bool, log: LogWriter | None) -> None:
        self._attached, self._log = attached, log
        self._theirs: list[int] = []
        self._ours: list[int] = []
        self._threads: list[threading.Thread] = []
        self._feeder: Feeder | None = None
        self.terminal: int | None = None
        self.stdin, self.stdout, self.stderr = self._open_terminal() if tty else self._open_pipes(interactive)
        if tty and interactive and attached.stdin is not None and self.terminal is not None:
            self._feeder = Feeder(attached.stdin, self.terminal)

    def started(self) -> None:
        """The container has its ends now: close ours of them."""
        for fd in self._theirs:
            os.close(fd)
        self._theirs.clear()

    def resize(self) -> None:
        """Our terminal changed its size: the container's does too."""
        size = get_size(self._attached.stdout) if self._attached.stdout is not None else None
        if size is not None and self.terminal is not None:
            set_size(self.terminal, size)

    def close(self) -> None:
        """Wait for what is still to be read, and close everything. Idempotent."""
        self.started()
        if self._feeder is not None:
            self._feeder.stop()
            self._feeder = None
        for thread in self._threads:
            thread.join()
        for fd in self._ours:
            os.close(fd)
        self._threads.clear()
        self._ours.clear()
        if self._log is not None:
            self._log.close()
            self._log = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows and columns of the container's terminal."""
        return get_size(self.terminal) if self.terminal is not None else None

    def _open_terminal(self) -> tuple[int, int, int]:
        size = get_size(self._attached.stdout) if self._attached.stdout is not None else None
        self.terminal, theirs = open_terminal(size)
        self._theirs.append(theirs)
        self._threads.append(drain(os.dup(self.terminal), self._sinks("stdout", self._attached.stdout)))
        self._ours.append(self.terminal)
        return theirs, theirs, theirs

    def _open_pipes(self, interactive: bool) -> tuple[int | None, int | None, int | None]:
        stdin = self._attached.stdin if interactive else None
        if interactive and stdin is None:  # nobody writes, but it does not end either, as docker's -d -i
            stdin, keep = os.pipe()
            self._theirs.append(stdin)
            self._ours.append(keep)
        if self._log is None:
            return stdin, self._attached.stdout, self._attached.stderr
        return stdin, self._pipe("stdout", self._attached.stdout), self._pipe("stderr", self._attached.stderr)

    def _pipe(self, name: str, fd: int | None) -> int:
        reader, writer = os.pipe()
        self._theirs.append(writer)
        self._threads.append(drain(reader, self._sinks(name, fd)))
        return writer

    def _sinks(self, name: str, fd: int | None) -> list[Sink]:
        sinks: list[Sink] = [] if fd is None else [to_descriptor(fd)]
        if self._log is not None:
            log = self._log
            sinks.append(lambda data: log.write(name, data))
        return sinks
