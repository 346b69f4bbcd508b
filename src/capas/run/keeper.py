"""The keeper of a running container: it mounts its tree, starts it, writes its log, waits for it and clears up.

In the foreground the keeper is the very process that `run` was typed in; detached it is a process of its own
(`capas.run.monitor`). Either way it holds the directory of what is only there while the container runs, by a lock:
once the lock is free and the state still says "running", the keeper was killed, and whoever notices clears up
(`capas.run.remains`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

from capas.errors import CapasError
from capas.run.arrange import arrange
from capas.run.bridge import DEFAULT, BridgeSettings
from capas.run.claims import Claim, claim
from capas.run.connecting import connect
from capas.run.connection import Connection
from capas.run.control import ControlServer
from capas.run.execution import Inside
from capas.run.exits import exit_code_of
from capas.run.ground import Ground, mounted_ground
from capas.run.health import forget_health
from capas.run.health_watcher import Watcher
from capas.run.launch import Launch
from capas.run.log_files import parse_log_options
from capas.run.logs import LogWriter
from capas.run.membership import Membership
from capas.run.networks import Networks
from capas.run.record import Record, State, read_state, write_state
from capas.run.runtime import Runtime
from capas.run.streams import Attached, Streams
from capas.snapshot.contract import Mount
from capas.snapshot.namespaces import in_private_mounts


class Order(NamedTuple):
    """What a keeper must know: which container, how to see its tree, what to start it with."""

    root: Path
    run_root: Path
    record: Record
    mounts: tuple[Mount, ...]
    runtime: Runtime
    bridge: BridgeSettings = DEFAULT

    @property
    def folder(self) -> Path:
        """Where the container's record and log are."""
        return self.root / "containers" / self.record.id

    @property
    def networks(self) -> Networks:
        """Those that there are."""
        return Networks(self.root, default=self.bridge)

    @property
    def log(self) -> Path:
        """Its log."""
        return self.folder / f"{self.record.id}-json.log"


class Keeper:
    """The keeper of one start. `now` gives nanoseconds since 1970."""

    def __init__(
        self,
        order: Order,
        attached: Attached,
        *,
        now: Callable[[], int],
        keep_log: bool = True,
        shared: bool = False,
    ) -> None:
        self._order, self._attached, self._now, self._keep_log = order, attached, now, keep_log
        self._shared = shared
        self._launch: Launch | None = None
        self._streams: Streams | None = None
        self._early: list[int] = []

    def run(self, on_start: Callable[[State], None] = lambda state: None) -> State:
        """Start it, wait, clear up. `on_start` is called once it runs.

        Raises: Conflict where it runs already; NotFound, Denied, Invalid, Unsupported where it cannot be started.
        """
        with claim(self._order.run_root / "containers", self._order.record.id) as held:
            return in_private_mounts(lambda: self._run(held, on_start))

    def signal(self, number: int) -> None:
        """Pass a signal on to the container's process; from any thread, at any time."""
        pid = self._launch.pid if self._launch is not None else None
        if pid is None:
            self._early.append(number)  # it does not run yet, or the runtime has not told us its number
            return
        try:
            os.kill(pid, number)
        except OSError:
            pass

    def _pass_on_early(self) -> None:
        while self._early:
            self.signal(self._early.pop(0))

    def _run(self, held: Claim, on_start: Callable[[State], None]) -> State:
        order = self._order
        self._launch = Launch(
            order.runtime,
            held.folder,
            order.record.id,
            state=order.run_root / "runtime",
            group=f"/capas/{order.record.id}",
        )
        try:
            with mounted_ground(order.mounts, held.folder, order.runtime) as ground:
                connection = connect(order.record, order.root, order.run_root, order.networks.bridge_of)
                try:
                    code = self._start_and_wait(held, ground, connection, on_start)
                finally:
                    self._end()
                    connection.close()
        except CapasError as error:
            self._note_failure(error)
            raise
        state = self._ended(code)
        write_state(order.folder, state)
        return state

    def _note_failure(self, error: CapasError) -> None:
        state = read_state(self._order.folder)
        code = exit_code_of(error)
        if state.status == "running":
            state = self._ended(code, str(error))
        else:  # as docker: what could not be started stays as it was, with the reason
            state = state._replace(exit_code=code, error=str(error))
        write_state(self._order.folder, state)

    def _start_and_wait(
        self, held: Claim, ground: Ground, connection: Connection, on_start: Callable[[State], None]
    ) -> int:
        assert self._launch is not None
        record = self._order.record
        limit = parse_log_options(record.spec.log_options)
        log = LogWriter(self._order.log, self._now, limit) if self._keep_log else None
        self._streams = Streams(self._attached, tty=record.spec.tty, interactive=record.spec.interactive, log=log,
                                shared=self._shared, once=record.spec.stdin_once,
                                size=record.spec.console_size)  # fmt: skip
        arranged = arrange(self._order.root, self._order.runtime, record, ground, held.folder,
                           connection=connection, console_size=self._streams.size)  # fmt: skip
        self._launch.write_config(arranged.config)
        streams = self._streams
        if record.spec.tty:
            streams.take(self._launch.start_at_terminal(streams.size))
        else:
            self._launch.start(stdin=streams.stdin, stdout=streams.stdout, stderr=streams.stderr)
            streams.started()
        inside = Inside(self._order.runtime, self._launch, record, arranged,
                        state=self._order.run_root / "runtime", folder=held.folder)  # fmt: skip
        membership = Membership(connection, self._order.networks.bridge_of, self._order.folder)
        with ControlServer(held.folder, inside, streams, membership):
            started = self._launch.wait_for_start()
            with self._checked(inside) if started else nullcontext():
                if started:
                    on_start(self._running(ground, connection))
                    self._pass_on_early()
                code = self._launch.wait()
            inside.finish(code)
        return code

    def _checked(self, inside: Inside) -> AbstractContextManager[None]:
        """A block in which its health is watched, where there is a check."""
        order, check = self._order, self._order.record.spec.check
        forget_health(order.folder)
        return Watcher(inside, order.folder, check, self._now) if check.runs else nullcontext()

    def _running(self, ground: Ground, connection: Connection) -> State:
        assert self._launch is not None
        stubs = tuple(stub.path for stub in ground.stubs.made)
        restarts = read_state(self._order.folder).restarts
        state = State("running", self._launch.pid or 0, started_ns=self._now(), stubs=stubs, restarts=restarts,
                      **connection.facts())  # fmt: skip
        write_state(self._order.folder, state)
        return state

    def _ended(self, code: int, error: str = "") -> State:
        before = read_state(self._order.folder)
        return State("exited", exit_code=code, started_ns=before.started_ns, finished_ns=self._now(), error=error,
                     network=before.network, restarts=before.restarts)  # fmt: skip

    def _end(self) -> None:
        if self._launch is not None:
            self._launch.end()
        if self._streams is not None:
            self._streams.close()
