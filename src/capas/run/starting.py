"""Starting containers: in the foreground, joined to our streams, or detached under a keeper of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from capas import errors
from capas.errors import CapasError, Conflict
from capas.run.containers import Container, Containers
from capas.run.ending import let_end
from capas.run.keeper import Keeper, Order
from capas.run.monitor import dump_order
from capas.run.policy import parse_policy
from capas.run.pump import raw_terminal
from capas.run.record import write_state
from capas.run.relay import load_error
from capas.run.restarting import forget_stopped, is_wanted
from capas.run.streams import Attached

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
              signal.SIGWINCH)  # fmt: skip
_PATIENCE = 3
_NOBODY = Attached()


def start_attached(containers: Containers, reference: str, attached: Attached, *, sig_proxy: bool = True) -> int:
    """Start it in this process and wait; its exit code. A container that is to be removed is removed.

    Signals that reach us are passed on to it (from the main thread only).

    Raises: as `Keeper.run`.
    """
    container = _startable(containers, reference)
    spec = container.record.spec
    keep_log = spec.tty or not spec.auto_remove
    keeper = Keeper(_order(containers, container), attached, now=containers.now, keep_log=keep_log)
    try:
        with _forwarding(keeper, enabled=sig_proxy), _raw(attached, tty=spec.tty and spec.interactive):
            return keeper.run().exit_code
    finally:
        if spec.auto_remove:
            containers.forget(container.record)


def start_detached(containers: Containers, reference: str, attached: Attached = _NOBODY) -> None:
    """Start it under a keeper that outlives us; returns once it runs. Raises: as `Keeper.run`.

    The keeper inherits the descriptors of `attached`; ours may be closed afterwards.
    """
    container = _startable(containers, reference)
    _begin_anew(containers, container)
    auto_remove = container.record.spec.auto_remove
    order = dump_order(_order(containers, container), containers.snapshotter.name, attached, auto_remove=auto_remove)
    source = Path(errors.__file__).parent.parent
    done = subprocess.Popen(
        [sys.executable, "-m", "capas.run.monitor"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath, "PYTHONPATH": str(source)}, cwd="/",
        pass_fds=[fd for fd in attached if fd is not None],
    )  # fmt: skip
    assert done.stdin is not None and done.stdout is not None
    with done.stdin, done.stdout:
        done.stdin.write(json.dumps(order).encode())
        done.stdin.close()
        answer = done.stdout.readline()
    done.wait()
    _check(answer, container)


def start_wanted(containers: Containers) -> list[str]:
    """Start those whose policy wants them to run and whose keeper is gone (a reboot, a kill); their ids."""
    started = []
    for container in containers.iterate():
        record, state = container
        if not is_wanted(parse_policy(record.spec.restart), containers.folder(record.id), state):
            continue
        try:
            start_detached(containers, record.id)
            started.append(record.id)
        except CapasError:
            continue  # the others are to run all the same; why is in its state
    return started


def _begin_anew(containers: Containers, container: Container) -> None:
    """Somebody starts it: what its policy counted, and that it was stopped, is over."""
    folder = containers.folder(container.record.id)
    forget_stopped(folder)
    if container.state.status == "restarting" or container.state.restarts:
        write_state(folder, container.state._replace(status="exited", restarts=0))


def _startable(containers: Containers, reference: str) -> Container:
    container = containers.get(reference)
    if container.running:
        raise Conflict("container {container} is running already", container=container.record.name)
    let_end(containers, container.record.id)
    return container


def _order(containers: Containers, container: Container) -> Order:
    record = container.record
    mounts = tuple(containers.snapshotter.mounts(record.snapshot))
    return Order(containers.root, containers.run_root, record, mounts, containers.runtime(), containers.bridge)


def _check(answer: bytes, container: Container) -> None:
    if not answer:
        raise CapasError("the keeper of container {container} ended before it started", container=container.record.name)
    told = json.loads(answer)
    if "error" in told:
        raise load_error(told)


@contextmanager
def _forwarding(keeper: Keeper, *, enabled: bool) -> Iterator[None]:
    if not enabled or threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupts = 0

    def forward(number: int, _frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += number == signal.SIGINT
        keeper.signal(signal.SIGKILL if interrupts >= _PATIENCE else number)  # who insists is obeyed

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _raw(attached: Attached, *, tty: bool) -> Iterator[None]:
    if tty and attached.stdin is not None:
        with raw_terminal(attached.stdin):
            yield
    else:
        yield
