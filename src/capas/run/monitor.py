"""`python -m capas.run.monitor`: the keeper of a detached container, a process of its own that outlives its caller.

The order comes as JSON on standard input; a line on standard output tells how the start went, and
another one how it ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from capas import chance, clock
from capas.errors import CapasError
from capas.run.bridge import BridgeSettings
from capas.run.cgroups import read_cgroups
from capas.run.exits import OURS
from capas.run.keeper import Keeper, Order
from capas.run.last_words import leave_code
from capas.run.policy import parse_policy
from capas.run.record import State, read_record, read_state, write_state
from capas.run.relay import dump_error
from capas.run.restarting import is_due, is_returning, pause_seconds, ran_steadily, was_stopped
from capas.run.runtime import Runtime
from capas.run.streams import Attached
from capas.snapshot.contract import Mount

_LOOK_SECONDS = 0.1


def main() -> None:
    """Read the order, leave the caller, keep the container."""
    values = json.load(sys.stdin)
    if os.fork() != 0:
        os._exit(0)  # the caller waits for this one, and the keeper has no parent to leave a zombie with
    os.setsid()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    caller = _Caller(os.dup(1))
    _let_go()
    kept: State | None = None
    try:
        kept = _keep(load_order(values), Attached(*values["attached"]), caller)
        last: dict[str, Any] = {"exit": kept.exit_code}
    except CapasError as error:
        last = dump_error(error)
    except Exception as error:
        last = {"error": "CapasError", "message": f"the keeper failed: {error!r}", "hint": "", "code": OURS}
    try:
        folder = Path(values["root"]) / "containers" / values["id"]
        if values["auto_remove"] and not is_returning(folder, kept):
            code = read_state(folder).exit_code
            leave_code(Path(values["run_root"]), values["id"], code)
            _remove(values)
    finally:
        caller.tell(last)


class _Caller:
    """Who had it started: it hears a line of the first start, and one of the last end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._knows = False

    def started(self, pid: int) -> None:
        """It runs, for the first time or again."""
        if not self._knows:
            self.tell({"started": pid})
        self._knows = True

    def tell(self, message: dict[str, Any]) -> None:
        """Say it to whoever listens still."""
        try:
            os.write(self._fd, json.dumps(message).encode() + b"\n")
        except OSError:
            return


def _keep(order: Order, attached: Attached, caller: _Caller) -> State:
    """Keep it until it has ended and its policy does not want it back; how it ended last.

    Whoever is attached from the beginning sees all its starts.
    """
    in_a_row = 0
    while True:
        keeper = Keeper(order, attached, now=clock.now_ns, shared=True)
        signal.signal(signal.SIGTERM, lambda number, frame, keeper=keeper: keeper.signal(number))  # type: ignore[misc]
        state = keeper.run(lambda state: caller.started(state.pid))
        order = order._replace(record=read_record(order.folder) or order.record)  # another policy, limits, network
        if not is_due(parse_policy(order.record.spec.restart), order.folder, state):
            return state
        pause = pause_seconds(state, in_a_row)
        in_a_row = 1 if ran_steadily(state) else in_a_row + 1
        write_state(order.folder, state._replace(status="restarting", restarts=state.restarts + 1))
        if not _rest(order, pause):
            return state
        order = order._replace(record=read_record(order.folder) or order.record)


def _rest(order: Order, seconds: float) -> bool:
    """Wait. Whether it is still ours to start: nobody stopped, started or removed it meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        if not order.folder.is_dir() or read_state(order.folder).status != "restarting":
            return False
        if was_stopped(order.folder):
            write_state(order.folder, read_state(order.folder)._replace(status="exited"))
            return False
        left = deadline - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(left, _LOOK_SECONDS))


def dump_order(order: Order, snapshotter: str, attached: Attached, *, auto_remove: bool) -> dict[str, Any]:
    """The order as JSON values. The keeper inherits the descriptors of `attached`."""
    return {
        "root": str(order.root), "run_root": str(order.run_root), "id": order.record.id,
        "mounts": [[mount.type, mount.source, list(mount.options)] for mount in order.mounts],
        "runtime": [order.runtime.name, str(order.runtime.path)], "snapshotter": snapshotter,
        "bridge": list(order.bridge), "attached": list(attached), "auto_remove": auto_remove,
    }  # fmt: skip


def load_order(values: Mapping[str, Any]) -> Order:
    """The order in JSON values."""
    root = Path(values["root"])
    record = read_record(root / "containers" / values["id"])
    if record is None:
        raise CapasError("the container is gone")
    mounts = tuple(Mount(kind, source, tuple(options)) for kind, source, options in values["mounts"])
    name, path = values["runtime"]
    runtime = Runtime(name, Path(path), cgroups=read_cgroups())
    return Order(root, Path(values["run_root"]), record, mounts, runtime, _load_bridge(values["bridge"]))


def _load_bridge(values: Sequence[Any]) -> BridgeSettings:
    bridge = BridgeSettings(*values)
    return bridge._replace(reserved=tuple(bridge.reserved))


def _let_go() -> None:
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    os.close(quiet)
    os.chdir("/")


def _remove(values: Mapping[str, Any]) -> None:
    from capas.run.containers import Containers
    from capas.run.ending import remove
    from capas.snapshot.choose import open_snapshotter

    root, run_root = Path(values["root"]), Path(values["run_root"])
    snapshotter, _ = open_snapshotter(root, wanted=values["snapshotter"])
    order = load_order(values)
    containers = Containers(
        root, run_root, lambda: snapshotter, runtime=lambda: order.runtime, now=clock.now_ns, token=chance.token
    )
    remove(containers, values["id"], force=True)


if __name__ == "__main__":
    main()
