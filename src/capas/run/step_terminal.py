"""A step at our own terminal: a person looks round where a command failed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from capas.run.launch import Launch
from capas.run.pump import get_size, raw_terminal
from capas.run.streams import Attached, Streams

_OURS = Attached(0, 1, 2)


class StepTerminal:
    """The terminal of this process, lent to one step. In a `with` block changes of its size are passed on."""

    def __init__(self) -> None:
        self._resize: Callable[[], None] = lambda: None
        self._before: object = None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return get_size(_OURS.stdout or 0) or (24, 80)

    def attend(self, launch: Launch) -> int:
        """Start it, hand keys and output to and fro, and wait; its exit code. Raises: see `Launch.wait`."""
        streams = Streams(_OURS, tty=True, interactive=True, log=None, size=self.size)
        try:
            with raw_terminal(_OURS.stdin or 0):
                self._resize = lambda: streams.resize(self.size)
                streams.take(launch.start_at_terminal(streams.size))
                return launch.wait()
        finally:
            self._resize = lambda: None
            streams.close()

    def __enter__(self) -> StepTerminal:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGWINCH, self._changed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGWINCH, self._before)  # type: ignore[arg-type]

    def _changed(self, _number: int, _frame: FrameType | None) -> None:
        self._resize()
