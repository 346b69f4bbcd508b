"""A person at a container: joined from its start or later, until it ends or they leave by the detach keys.

Where there may be something to leave or to come back to (a terminal, a restart policy), a keeper of its own has the
container: what happens to the client, be it kill -9, happens to the client alone, as with docker's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from capas.errors import CapasError, Conflict, Interrupted
from capas.run import attaching
from capas.run.client import Client
from capas.run.containers import Container, Containers
from capas.run.control import Control
from capas.run.keeper import Keeper
from capas.run.keys import DEFAULT, LEFT, parse_keys
from capas.run.pipes import STDERR, STDOUT, Pipes, open_pipes
from capas.run.policy import parse_policy
from capas.run.proxying import following_size, forwarding, raw_input
from capas.run.pump import get_size
from capas.run.record import State, write_record
from capas.run.restarting import is_returning, mark_stopped
from capas.run.starting import begin, check_answer, get_startable, order_of
from capas.run.streams import Attached


def start_attached(
    containers: Containers, reference: str, ours: Attached, *, sig_proxy: bool = True, keys: str = DEFAULT
) -> int:
    """Start it and stay to its end, over its restarts; its exit code, 0 for who leaves by the `keys` (docker's words).

    Signals that reach us are passed on to it (from the main thread only). A container that is to be removed is removed.

    Raises: Invalid for keys that are none; as `Keeper.run`.
    """
    container = get_startable(containers, reference)
    spec = container.record.spec
    if spec.tty or parse_policy(spec.restart).name != "no":
        return _start_apart(containers, container, ours, sig_proxy=sig_proxy, keys=parse_keys(keys))
    keeper = Keeper(order_of(containers, container), ours, now=containers.now, keep_log=not spec.auto_remove)
    ended: State | None = None
    try:
        with forwarding(keeper.signal, enabled=sig_proxy):
            ended = keeper.run()
            return ended.exit_code
    finally:
        if spec.auto_remove and not is_returning(containers.folder(container.record.id), ended):
            containers.forget(container.record)


def attend(
    containers: Containers, reference: str, ours: Attached, *, sig_proxy: bool = True, keys: str = DEFAULT
) -> int:
    """Join one that runs, and stay as `start_attached` does, to its next end.

    Raises: NotFound; Conflict where it does not run, is paused, or waits to be started again; Invalid; Interrupted for
    who leaves by the keys.
    """
    sequence = parse_keys(keys)
    container = _get_attachable(containers, reference)
    proxy = _Proxy(containers, container, ours)
    with (
        Control(containers.live(container.record.id), container.record.name) as control,
        proxy.proxying(sig_proxy),
        raw_input(_typed(container, ours)),
    ):
        pipes = _open_pipes(container, ours)
        try:
            attaching.attach(containers, container.record.id, pipes.attached)
        except BaseException:
            pipes.close()
            raise
        finally:
            pipes.attached.close()
        control.tell({"do": "wait"})
        proxy.begin()
        with _joined(pipes, ours, sequence if container.record.spec.tty else b"") as client:
            if not client.stay(control.fileno()):
                raise Interrupted(LEFT)
        return int(control.hear()["exit"])


def _start_apart(containers: Containers, container: Container, ours: Attached, *, sig_proxy: bool, keys: bytes) -> int:
    size = get_size(ours.stdout) if ours.stdout is not None else None
    if size is not None:
        spec = container.record.spec._replace(console_size=size)
        write_record(containers.folder(container.record.id), container.record._replace(spec=spec))
    proxy = _Proxy(containers, container, ours)
    with proxy.proxying(sig_proxy), raw_input(_typed(container, ours)):
        pipes = _open_pipes(container, ours)
        try:
            told = begin(containers, container, pipes.attached)
        except BaseException:
            pipes.close()
            raise
        finally:
            pipes.attached.close()
        with told:
            proxy.begin()
            with _joined(pipes, ours, keys if container.record.spec.tty else b"") as client:
                if not client.stay(told.fileno()):
                    return 0
                answer = told.readline()
        return int(check_answer(answer, container)["exit"])


def _get_attachable(containers: Containers, reference: str) -> Container:
    container = containers.get(reference)
    if container.state.status == "restarting":
        raise Conflict("container {container} is restarting", container=container.record.name,
                       hint="wait until it runs")  # fmt: skip
    if container.state.paused:
        raise Conflict("container {container} is paused", container=container.record.name, hint="unpause it first")
    return container


def _typed(container: Container, ours: Attached) -> int | None:
    """Our input, where its keys are for a terminal inside."""
    return ours.stdin if container.record.spec.tty and container.record.spec.interactive else None


def _open_pipes(container: Container, ours: Attached) -> Pipes:
    spec = container.record.spec
    return open_pipes(
        stdin=spec.interactive and ours.stdin is not None,
        stdout=ours.stdout is not None,
        stderr=ours.stderr is not None and not spec.tty,
    )


@contextmanager
def _joined(pipes: Pipes, ours: Attached, keys: bytes) -> Iterator[Client]:
    targets = {STDOUT: ours.stdout, STDERR: ours.stderr}  # and nobody's, of what is read for its end alone
    with Client([(fd, targets.get(number)) for fd, number in pipes.outputs]) as client:
        if pipes.stdin is not None and ours.stdin is not None:
            client.feed(ours.stdin, pipes.stdin, keys)
        yield client


class _Proxy:
    """Passes our signals and our terminal's size on to a container, from when it runs."""

    def __init__(self, containers: Containers, container: Container, ours: Attached) -> None:
        self._containers, self._container, self._ours = containers, container, ours
        self._early: list[int] = []
        self._running = False

    @contextmanager
    def proxying(self, enabled: bool) -> Iterator[None]:
        """For a block; signals only where it is `enabled`."""
        with forwarding(self._send, enabled=enabled), following_size(self.resize):
            yield

    def begin(self) -> None:
        """It runs."""
        self._running = True
        self.resize()
        while self._early:
            self._send(self._early.pop(0))

    def _send(self, number: int) -> None:
        if not self._running:
            self._early.append(number)
        else:
            self._ask_for(number)

    def _ask_for(self, number: int) -> None:
        record = self._container.record
        mark_stopped(self._containers.folder(record.id))  # as docker: who is told to end is not started again
        try:
            with Control(self._containers.live(record.id), record.name) as control:
                control.ask({"do": "signal", "number": number})
        except (CapasError, OSError):
            return  # it has ended meanwhile

    def resize(self) -> None:
        """Our terminal's size is that inside."""
        size = get_size(self._ours.stdout) if self._ours.stdout is not None else None
        if size is None or not self._running or not self._container.record.spec.tty:
            return
        try:
            attaching.resize(self._containers, self._container.record.id, *size)
        except (CapasError, OSError):
            return
