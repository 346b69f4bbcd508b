"""`exec`: one more process in a running container, joined to our streams or left alone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from capas.errors import Conflict, Interrupted, Invalid
from capas.run.client import Client
from capas.run.containers import Containers
from capas.run.control import Control
from capas.run.execution import ExecSpec
from capas.run.keys import LEFT, parse_keys
from capas.run.proxying import following_size, raw_input
from capas.run.pump import get_size, set_size
from capas.run.streams import Attached


class Window:
    """The terminal of one process, whose size another thread may set before and while the process runs."""

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        self._lock = threading.RLock()  # a signal's handler sets it too
        self.size = size
        self._master: int | None = None

    def resize(self, size: tuple[int, int] | None) -> None:
        """Rows and columns; None changes nothing."""
        with self._lock:
            self.size = size or self.size
            if self._master is not None and self.size is not None:
                set_size(self._master, self.size)

    @contextmanager
    def over(self, master: int) -> Iterator[None]:
        """What is set reaches this terminal, for a block, which closes it."""
        with self._lock:
            self._master = master
            self.resize(None)
        try:
            yield
        finally:
            with self._lock:
                self._master = None
                os.close(master)


def execute(
    containers: Containers,
    reference: str,
    spec: ExecSpec,
    attached: Attached,
    *,
    window: Window | None = None,
    on_start: Callable[[int], None] = lambda pid: None,
    keys: str = "",
) -> int:
    """Run it and wait; its exit code, 0 at once for a detached one. `attached.stdin` None gives it nothing to read.

    `on_start` is told its pid, as the host counts. Who types the `keys` (docker's words) at its terminal leaves it.

    Raises: Conflict where the container does not run; NotFound, Denied where the command cannot be run; Interrupted for
    who leaves it.
    """
    if not spec.args or "\0" in "".join(spec.args):
        raise Invalid("no command to run in the container")
    sequence = parse_keys(keys)
    container = containers.get(reference)
    if not container.running:
        raise Conflict("container {container} is not running", container=container.record.name,
                       hint=f"start it first: capas start {container.record.name}")  # fmt: skip
    with Control(containers.live(container.record.id), container.record.name) as control:
        if spec.detach:
            on_start(_ask(control, spec, []))
            return 0
        if spec.tty:
            return _in_terminal(control, spec, attached, window, on_start, keys=sequence)
        return _in_pipes(control, spec, attached, on_start)


def _in_pipes(control: Control, spec: ExecSpec, attached: Attached, on_start: Callable[[int], None]) -> int:
    quiet = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        on_start(_ask(control, spec, [quiet if fd is None else fd for fd in attached]))
    finally:
        os.close(quiet)
    return int(control.hear()["exit"])


def _in_terminal(
    control: Control,
    spec: ExecSpec,
    attached: Attached,
    window: Window | None,
    on_start: Callable[[int], None],
    *,
    keys: bytes,
) -> int:
    output = attached.stdout
    window = window or Window(get_size(output) if output is not None else None)

    def follow() -> None:
        window.resize(get_size(output) if output is not None else None)

    with raw_input(attached.stdin), following_size(follow):
        started = _ask(control, spec._replace(console_size=window.size or spec.console_size), [])
        master = control.take_descriptor()
        with window.over(master), Client([(os.dup(master), output)]) as client:
            if attached.stdin is not None:
                client.feed(attached.stdin, os.dup(master), keys)
            on_start(started)
            if not client.stay(control.fileno()):
                raise Interrupted(LEFT)
            return int(control.hear()["exit"])


def _ask(control: Control, spec: ExecSpec, fds: list[int]) -> int:
    return int(control.ask({"do": "exec", "spec": spec._asdict()}, fds)["started"])
