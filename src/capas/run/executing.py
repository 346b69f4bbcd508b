"""`exec`: one more process in a running container, joined to our streams or left alone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from capas.errors import Conflict, Invalid
from capas.run.containers import Containers
from capas.run.control import Control
from capas.run.execution import ExecSpec
from capas.run.pump import get_size, raw_terminal
from capas.run.streams import Attached, Streams


class Window:
    """The terminal of one process, whose size another thread may set before and while the process runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size: tuple[int, int] | None = None
        self._streams: Streams | None = None

    def resize(self, size: tuple[int, int]) -> None:
        """Rows and columns."""
        with self._lock:
            self._size = size
            if self._streams is not None:
                self._streams.resize(size)

    @contextmanager
    def following(self, streams: Streams) -> Iterator[None]:
        """What is set reaches this terminal, for a block."""
        with self._lock:
            self._streams = streams
            if self._size is not None:
                streams.resize(self._size)
        try:
            yield
        finally:
            with self._lock:
                self._streams = None


def execute(
    containers: Containers,
    reference: str,
    spec: ExecSpec,
    attached: Attached,
    *,
    window: Window | None = None,
    on_start: Callable[[int], None] = lambda pid: None,
) -> int:
    """Run it and wait; its exit code, 0 at once for a detached one. `attached.stdin` None gives it nothing to read.

    `on_start` is told its pid, as the host counts.

    Raises: Conflict where the container does not run; NotFound, Denied where the command cannot be run.
    """
    if not spec.args or "\0" in "".join(spec.args):
        raise Invalid("no command to run in the container")
    container = containers.get(reference)
    if not container.running:
        raise Conflict("container {container} is not running", container=container.record.name,
                       hint=f"start it first: capas start {container.record.name}")  # fmt: skip
    with Control(containers.live(container.record.id), container.record.name) as control:
        if spec.detach:
            on_start(_ask(control, spec, []))
            return 0
        if spec.tty:
            return _in_terminal(control, spec, attached, window, on_start)
        return _in_pipes(control, spec, attached, on_start)


def _in_pipes(control: Control, spec: ExecSpec, attached: Attached, on_start: Callable[[int], None]) -> int:
    quiet = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        on_start(_ask(control, spec, [quiet if fd is None else fd for fd in attached]))
    finally:
        os.close(quiet)
    return int(control.hear()["exit"])


def _in_terminal(
    control: Control, spec: ExecSpec, attached: Attached, window: Window | None, on_start: Callable[[int], None]
) -> int:
    streams = Streams(attached, tty=True, interactive=attached.stdin is not None, log=None)
    following = window.following if window is not None else _following_size
    try:
        with _raw(attached), following(streams):
            size = streams.size or spec.console_size
            started = _ask(control, spec._replace(console_size=size), [])
            streams.take(control.take_descriptor())
            on_start(started)
            return int(control.hear()["exit"])
    finally:
        streams.close()


def _ask(control: Control, spec: ExecSpec, fds: list[int]) -> int:
    return int(control.ask({"do": "exec", "spec": spec._asdict()}, fds)["started"])


@contextmanager
def _raw(attached: Attached) -> Iterator[None]:
    if attached.stdin is None or get_size(attached.stdin) is None:
        yield
    else:
        with raw_terminal(attached.stdin):
            yield


@contextmanager
def _following_size(streams: Streams) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def resize(_number: int, _frame: FrameType | None) -> None:
        streams.resize()

    before = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
