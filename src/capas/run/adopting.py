"""Processes that another one started and left to us: we are their "subreaper", and so learn their exit codes.

Spec: prctl(2), PR_SET_CHILD_SUBREAPER.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from capas.run.exits import OURS

_SET, _GET = 36, 37


class Adopted:
    """A child of ours, to be waited for as one of `subprocess`. It has to be: its container does not end before."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Its exit code, negative for a signal's number; None while it runs."""
        with self._lock:
            if self._code is None:
                self._code = self._reap()
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises: subprocess.TimeoutExpired."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:  # what kernels say of one that has ended
            fd = None
        if fd is not None:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll(None if timeout is None else timeout * 1000)
            os.close(fd)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def kill(self) -> None:
        """End it."""
        with self._lock:
            if self._code is None:
                os.kill(self.pid, signal.SIGKILL)  # not reaped yet: the number is right

    def _reap(self) -> int | None:
        try:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG)
        except ChildProcessError:  # somebody else in this process has reaped it
            return OURS
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


@contextmanager
def adopting() -> Iterator[None]:
    """A block in which what our children leave behind becomes ours. One at a time in a process."""
    with _turn():
        before = ctypes.c_int()
        _prctl(_GET, ctypes.byref(before))
        _prctl(_SET, ctypes.c_ulong(1))
        try:
            yield
        finally:
            _prctl(_SET, ctypes.c_ulong(before.value))


def _prctl(option: int, value: object) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


@cache
def _turn() -> threading.Lock:
    return threading.Lock()
