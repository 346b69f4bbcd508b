"""Bytes between a container's streams, ours, and its log: pipes and pseudo-terminals."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from capas.run.keys import DetachKeys

Sink = Callable[[bytes], None]
_CHUNK = 64 * 1024
_SILENCE_MS = 500


class Outlet:
    """A sink that writes to a descriptor, and falls silent when nobody reads any more."""

    def __init__(self, fd: int) -> None:
        self.fd, self._broken = fd, False
        self._lock = threading.Lock()

    def __call__(self, data: bytes) -> None:
        """Write all of it, waiting for a slow reader."""
        with self._lock:
            view = memoryview(data)
            while view and not self._broken:
                try:
                    view = view[os.write(self.fd, view) :]
                except BlockingIOError:
                    select.select([], [self.fd], [])
                except OSError:
                    self._broken = True

    def is_left(self) -> bool:
        """Whether its reader is gone, seen without writing."""
        poll = select.poll()
        poll.register(self.fd, 0)
        return self._broken or any(event & select.POLLERR for _, event in poll.poll(0))

    def close(self) -> None:
        """Close its descriptor, not while it is written to. Order: once it `is_left`, so that nobody waits."""
        with self._lock:
            self._broken = True
            os.close(self.fd)


def drain(fd: int, sinks: list[Sink], enough: int | None = None) -> threading.Thread:
    """A thread that hands what comes from `fd` to every sink until it ends, and closes it.

    `enough` is an eventfd: once it is set, silence is an end too (somebody in the background may hold a terminal).
    """
    thread = threading.Thread(target=_drain, args=(fd, sinks, enough), daemon=True)
    thread.start()
    return thread


def _drain(fd: int, sinks: list[Sink], enough: int | None) -> None:
    poll, patience_ms = select.poll(), None
    poll.register(fd, select.POLLIN)
    if enough is not None:
        poll.register(enough, select.POLLIN)
    try:
        while ready := dict(poll.poll(patience_ms)):
            if enough in ready:
                if not sinks:
                    return
                poll.unregister(enough)
                patience_ms = _SILENCE_MS
                continue
            try:
                data = os.read(fd, _CHUNK)
            except OSError:  # a pseudo-terminal ends with EIO
                return
            if not data:
                return
            for sink in tuple(sinks):  # others may join and leave meanwhile
                sink(data)
    finally:
        os.close(fd)


class Feeder:
    """A thread that hands what comes from our input to a descriptor, until told to stop. `at_end`: the input ended.

    Where the `keys` are among what comes, `leave` is called, and nothing more is read.
    """

    def __init__(
        self,
        source: int,
        target: int,
        at_end: Callable[[], None] = lambda: None,
        *,
        keys: DetachKeys | None = None,
        leave: Callable[[], object] = lambda: None,
    ) -> None:
        self.source, self._target, self._at_end = source, os.dup(target), at_end
        self._keys, self._leave = keys or DetachKeys(b""), leave
        self._stop_out, self._stop_in = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def is_over(self) -> bool:
        """Whether the input has ended, or its taker is gone."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Stop it, also in the middle of waiting for input."""
        os.close(self._stop_in)
        self._thread.join()
        os.close(self._stop_out)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self.source, select.POLLIN)
        poll.register(self._stop_out, select.POLLIN)
        write = Outlet(self._target)
        try:
            while True:
                ready = dict(poll.poll())
                if self._stop_out in ready:
                    return
                data = os.read(self.source, _CHUNK)
                if not data:
                    self._at_end()
                    return
                data, left = self._keys.look(data)
                write(data)
                if left:
                    self._leave()
                    return
        except OSError:
            return
        finally:
            os.close(self._target)


def get_size(fd: int) -> tuple[int, int] | None:
    """Rows and columns of a terminal, None where it is none."""
    try:
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))
    except OSError:
        return None
    return (rows, columns) if rows and columns else None


def set_size(fd: int, size: tuple[int, int]) -> None:
    """Tell a terminal its rows and columns."""
    try:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    except OSError:
        pass


@contextmanager
def raw_terminal(fd: int) -> Iterator[None]:
    """Our terminal hands every key on as it is, for a block. Nothing happens where `fd` is no terminal."""
    try:
        before = termios.tcgetattr(fd)
    except (termios.error, OSError):
        yield
        return
    import tty

    tty.setraw(fd, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
