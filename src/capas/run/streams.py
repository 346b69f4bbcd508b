"""The three streams of a container, as its keeper arranges them."""

from __future__ import annotations

import os
import threading
from typing import NamedTuple

from capas.run.logs import LogWriter
from capas.run.pump import Feeder, Outlet, Sink, drain, set_size


class Attached(NamedTuple):
    """Whose descriptors the streams are joined to; None for nobody's (a detached container)."""

    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None

    def close(self) -> None:
        """Close them: whoever was given them has copies."""
        for fd in self:
            if fd is not None:
                os.close(fd)


class Streams:
    """The streams of one start. With `log` what comes out is copied to it; without, we hand our own on unread.

    `shared`: others may join later (`join`), so that the container's input is a pipe of ours even where somebody is
    attached from the beginning; `once`: it ends with the input of the first who has one. `size`: rows and
    columns of its terminal.
    """

    def __init__(
        self,
        attached: Attached,
        *,
        tty: bool,
        interactive: bool,
        log: LogWriter | None,
        shared: bool = False,
        once: bool = False,
        size: tuple[int, int] | None = None,
    ) -> None:
        self._attached, self._log, self._interactive = attached, log, interactive
        self._shared, self._once = shared, once
        self._theirs: list[int] = []
        self._ours: list[int] = []
        self._threads: list[threading.Thread] = []
        self._feeders: list[Feeder] = []
        self._sinks: dict[str, list[Sink]] = {}
        self._input: int | None = None
        self._lock = threading.Lock()
        self._terminal: int | None = None
        self._ended: int | None = None
        self._sources: list[int] = []
        self._size = size
        self.stdin: int | None = None
        self.stdout: int | None = None
        self.stderr: int | None = None
        if tty:
            self._sinks_of("stdout", attached.stdout)
        else:
            self.stdin, self.stdout, self.stderr = self._open_pipes()
        if interactive and attached.stdin is not None and (tty or shared):
            self._feed(attached.stdin)

    def started(self) -> None:
        """The container has its ends now: close ours of them."""
        for fd in self._theirs:
            os.close(fd)
        self._theirs.clear()

    def take(self, master: int | None) -> None:
        """Its terminal is there, ours from now on; None where it came to none."""
        if master is None:
            return
        with self._lock:
            self._terminal = master
            self._ours.append(master)
            if self._size is not None:
                set_size(master, self._size)
            self._ended = os.eventfd(0, os.EFD_CLOEXEC)
            self._ours.append(self._ended)
            self._threads.append(drain(os.dup(master), self._sinks["stdout"], self._ended))
            sources, self._sources = self._sources, []
            for source in sources:
                self._feed(source)

    def join(self, joined: Attached) -> None:
        """One more client, whose descriptors are ours from now on: it sees what comes out from here on."""
        with self._lock:
            self._clear_left()
            self._ours += [fd for fd in joined if fd is not None]
            for name, fd in (("stdout", joined.stdout), ("stderr", joined.stderr)):
                if fd is not None and name in self._sinks:
                    self._sinks[name].append(Outlet(fd))
            if joined.stdin is not None and self._interactive:
                self._feed(joined.stdin)

    def _clear_left(self) -> None:
        """Who joined and has left does not take room as long as the container runs."""
        for sinks in self._sinks.values():
            for sink in tuple(sinks):
                if isinstance(sink, Outlet) and sink.fd in self._ours and sink.is_left():
                    sinks.remove(sink)
                    self._ours.remove(sink.fd)
                    sink.close()
        for feeder in [each for each in self._feeders if each.is_over()]:
            self._feeders.remove(feeder)
            feeder.stop()
            if feeder.source in self._ours:
                self._ours.remove(feeder.source)
                os.close(feeder.source)

    def resize(self, size: tuple[int, int]) -> None:
        """The container's terminal gets this size (rows, columns)."""
        self._size = size
        if self._terminal is not None:
            set_size(self._terminal, size)

    def close(self) -> None:
        """Wait for what is still to be read, and close everything. Idempotent."""
        self.started()
        with self._lock:
            feeders, self._feeders = self._feeders, []
        for feeder in feeders:
            feeder.stop()
        if self._ended is not None:
            os.eventfd_write(self._ended, 1)
            self._ended = None
        for thread in self._threads:
            thread.join()
        with self._lock:
            for fd in self._ours:
                os.close(fd)
            self._ours.clear()
            self._close_input()
        self._threads.clear()
        if self._log is not None:
            self._log.close()
            self._log = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows and columns of the container's terminal, None where nobody has said."""
        return self._size

    def _open_pipes(self) -> tuple[int | None, int | None, int | None]:
        stdin = self._attached.stdin if self._interactive else None
        if self._interactive and (stdin is None or self._shared):
            stdin, self._input = os.pipe()  # nobody writes yet, but it does not end either, as docker's -d -i
            self._theirs.append(stdin)
        if self._log is None:
            return stdin, self._attached.stdout, self._attached.stderr
        return stdin, self._pipe("stdout", self._attached.stdout), self._pipe("stderr", self._attached.stderr)

    def _pipe(self, name: str, fd: int | None) -> int:
        reader, writer = os.pipe()
        self._theirs.append(writer)
        self._threads.append(drain(reader, self._sinks_of(name, fd)))
        return writer

    def _feed(self, source: int) -> None:
        target = self._terminal if self._terminal is not None else self._input
        if target is not None:
            self._feeders.append(Feeder(source, target, self._at_end))
        else:
            self._sources.append(source)  # until there is a terminal

    def _at_end(self) -> None:
        if self._once:
            with self._lock:
                self._close_input()

    def _close_input(self) -> None:
        if self._input is not None:
            os.close(self._input)
            self._input = None

    def _sinks_of(self, name: str, fd: int | None) -> list[Sink]:
        sinks: list[Sink] = [] if fd is None else [Outlet(fd)]
        if self._log is not None:
            log = self._log
            sinks.append(lambda data: log.write(name, data))
        self._sinks[name] = sinks
        return sinks
