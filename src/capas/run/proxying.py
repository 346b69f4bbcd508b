"""What reaches us and is meant for a container: signals, and keys that a terminal would keep for itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from types import FrameType

from capas.run.pump import raw_terminal

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_PATIENCE = 3


@contextmanager
def forwarding(send: Callable[[int], None], *, enabled: bool = True) -> Iterator[None]:
    """A block in which signals go to `send`; in the main thread only, others have none.

    Ctrl-C for the third time is SIGKILL: who insists is obeyed.
    """
    interrupts = 0

    def forward(number: int, _frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += number == signal.SIGINT
        send(signal.SIGKILL if interrupts >= _PATIENCE else number)

    with _handled(forward, _FORWARDED if enabled else ()):
        yield


@contextmanager
def following_size(resize: Callable[[], None]) -> Iterator[None]:
    """A block in which `resize` is called when our terminal has got another size; in the main thread only."""
    with _handled(lambda number, frame: resize(), (signal.SIGWINCH,)):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], numbers: Sequence[signal.Signals]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def raw_input(fd: int | None) -> Iterator[None]:
    """A block in which every key that is typed is handed on as it is, where `fd` is a terminal."""
    with raw_terminal(fd) if fd is not None else nullcontext():
        yield
