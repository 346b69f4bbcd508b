"""Ending containers: wait, kill, stop, remove, prune."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable

from capas.errors import CapasError, Conflict, Unavailable
from capas.run.claims import claim, is_held
from capas.run.containers import Container, Containers
from capas.run.control import Control
from capas.run.last_words import find_code
from capas.run.pausing import unpause
from capas.run.record import Record, read_state, write_state
from capas.run.restarting import mark_returning, mark_stopped
from capas.run.signals import open_process, parse_signal, send_signal

_STOP_SECONDS = 10
_KEEPER_SECONDS = 30.0
_PAUSE_SECONDS = 0.005


def wait(containers: Containers, reference: str) -> int:
    """Wait until it has ended; its exit code."""
    record, state = containers.get(reference)
    if state.status == "running":
        code = _hear_code(containers, record)
        _wait_for_keeper(containers, record.id)
        if code is not None:
            return code
        state = containers.state(record.id)
    left = find_code(containers.run_root, record.id)  # after the state: it leaves its code, and then removes itself
    return state.exit_code if left is None else left


def _hear_code(containers: Containers, record: Record) -> int | None:
    """What its keeper says, None where it ended while we asked."""
    try:
        with Control(containers.live(record.id), record.name) as control:
            return int(control.ask({"do": "wait"})["exit"])
    except (Conflict, Unavailable):
        return None


def kill(containers: Containers, reference: str, signal_text: str = "KILL") -> None:
    """Send its first process a signal. Raises: Conflict where it does not run; Invalid for an unknown signal."""
    container = containers.get(reference)
    number = parse_signal(signal_text)
    mark_stopped(containers.folder(container.record.id))
    if not _send(containers, container, number):
        raise Conflict("container {container} is not running", container=container.record.name, id=container.record.id)
    if number == signal.SIGKILL:
        _wait_for_keeper(containers, container.record.id)


def stop(
    containers: Containers,
    reference: str,
    timeout: int | None = None,
    signal_text: str | None = None,
    *,
    returning: bool = False,
) -> None:
    """Its stop signal, `timeout` seconds of patience (-1 for ever), then KILL. Idempotent for one that has ended.

    `returning`: it is started again, so it is not removed where it was to be with its end.
    """
    container = containers.get(reference)
    folder = containers.folder(container.record.id)
    mark_stopped(folder)
    if returning:
        mark_returning(folder, container.state)
    if not container.running:
        _end_rest(containers, container)
        return
    spec = container.record.spec
    patience = next((each for each in (timeout, spec.stop_timeout) if each is not None), _STOP_SECONDS)
    number = parse_signal(signal_text or spec.stop_signal or "SIGTERM")
    pidfd = open_process(container.state.pid)
    try:
        if pidfd is not None and _send(containers, container, number) and not _ended(pidfd, patience):
            _send(containers, container, signal.SIGKILL)
    finally:
        if pidfd is not None:
            os.close(pidfd)
    _wait_for_keeper(containers, container.record.id)


def remove(containers: Containers, reference: str, *, force: bool = False) -> None:
    """Remove it, with its anonymous volumes. `force` kills it first. Raises: NotFound; Conflict while it runs."""
    container = containers.get(reference)
    record = container.record
    if container.running or container.state.status == "restarting":
        if not force:
            raise Conflict("container {container} is running", container=record.name,
                           hint="stop it first, or remove it with -f")  # fmt: skip
        mark_stopped(containers.folder(record.id))
        _end_rest(containers, container)
        _send(containers, container, signal.SIGKILL)
        _wait_for_keeper(containers, record.id)
        containers.state(record.id)
    let_end(containers, record.id)
    with claim(containers.run_root / "containers", record.id):
        containers.forget(record)


def _end_rest(containers: Containers, container: Container) -> None:
    """One that waits to be started again does not wait any more: its keeper sees it."""
    if container.state.status == "restarting":
        write_state(containers.folder(container.record.id), container.state._replace(status="exited"))


def prune(containers: Containers, keep: Callable[[Container], bool] = lambda container: False) -> list[str]:
    """Remove every container that does not run, except those to keep; their ids."""
    removed: list[str] = []
    for container in containers.iterate():
        if container.running or container.state.status == "restarting" or keep(container):
            continue
        try:
            remove(containers, container.record.id)
        except CapasError:
            continue  # started, or removed by somebody else, in between
        removed.append(container.record.id)
    return removed


def _send(containers: Containers, container: Container, number: int) -> bool:
    """Whether the signal reached the first process."""
    if not container.running:
        return False
    record = container.record
    pidfd = open_process(container.state.pid)
    try:
        # held after the descriptor was opened: the number was still the container's
        if pidfd is None or not is_held(containers.live(record.id)):
            return False
        sent = send_signal(pidfd, number)
    except PermissionError:  # in the keeper's user namespace, not in ours
        with Control(containers.live(record.id), record.name) as control:
            control.ask({"do": "signal", "number": number})
        sent = True
    finally:
        if pidfd is not None:
            os.close(pidfd)
    if read_state(containers.folder(record.id)).paused:  # as docker: it hears of it when it goes on
        unpause(containers, record.id)
    return sent


def _ended(pidfd: int, patience: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(None if patience < 0 else patience * 1000))


def _wait_for_keeper(containers: Containers, container_id: str) -> None:
    """Until the keeper has cleared up; not for ever, where it hangs."""
    deadline = time.monotonic() + _KEEPER_SECONDS
    live = containers.live(container_id)
    while is_held(live):
        state = read_state(containers.folder(container_id))
        if state.status == "running" and _alive(state.pid):
            deadline = time.monotonic() + _KEEPER_SECONDS
        if time.monotonic() > deadline:
            raise Unavailable("the keeper of container {container} does not end", container=container_id[:12])
        time.sleep(_PAUSE_SECONDS)


def let_end(containers: Containers, container_id: str) -> None:
    """Until the keeper of one that ended a moment ago has cleared up, or somebody has started it again."""
    deadline = time.monotonic() + _KEEPER_SECONDS
    live, folder = containers.live(container_id), containers.folder(container_id)
    while is_held(live) and read_state(folder).status == "exited" and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)


def _alive(pid: int) -> bool:
    return pid > 0 and os.path.exists(f"/proc/{pid}")
