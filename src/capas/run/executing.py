"""`exec`: one more process in a running container, joined to our streams or left alone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from capas.errors import Conflict, Invalid
from capas.run.containers import Containers
from capas.run.control import Control
from capas.run.execution import ExecSpec
from capas.run.pump import get_size, raw_terminal
from capas.run.streams import Attached, Streams


def execute(containers: Containers, reference: str, spec: ExecSpec, attached: Attached) -> int:
    """Run it and wait; its exit code, 0 at once for a detached one. `attached.stdin` None gives it nothing to read.

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
            _ask(control, spec, [])
            return 0
        if spec.tty:
            return _in_terminal(control, spec, attached)
        return _in_pipes(control, spec, attached)


def _in_pipes(control: Control, spec: ExecSpec, attached: Attached) -> int:
    quiet = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        _ask(control, spec, [quiet if fd is None else fd for fd in attached])
    finally:
        os.close(quiet)
    return int(control.hear()["exit"])


def _in_terminal(control: Control, spec: ExecSpec, attached: Attached) -> int:
    streams = Streams(attached, tty=True, interactive=attached.stdin is not None, log=None)
    try:
        with _raw(attached), _following_size(streams, control):
            _ask(control, spec._replace(console_size=streams.size), [streams.stdin or 0])
            streams.started()
            return int(control.hear()["exit"])
    finally:
        streams.close()


def _ask(control: Control, spec: ExecSpec, fds: list[int]) -> None:
    control.ask({"do": "exec", "spec": spec._asdict()}, fds)


@contextmanager
def _raw(attached: Attached) -> Iterator[None]:
    if attached.stdin is None or get_size(attached.stdin) is None:
        yield
    else:
        with raw_terminal(attached.stdin):
            yield


@contextmanager
def _following_size(streams: Streams, control: Control) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def resize(_number: int, _frame: FrameType | None) -> None:
        streams.resize()
        control.tell_size()

    before = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
