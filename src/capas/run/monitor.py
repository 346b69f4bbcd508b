"""`python -m capas.run.monitor`: the keeper of a detached container, a process of its own that outlives its caller.

The order comes as JSON on standard input; one line on standard output tells how the start went.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from capas import chance, clock
from capas.errors import CapasError
from capas.run.cgroups import read_cgroups
from capas.run.exits import exit_code_of
from capas.run.keeper import Keeper, Order
from capas.run.network import BridgeSettings
from capas.run.record import read_record
from capas.run.runtime import Runtime
from capas.run.streams import Attached
from capas.snapshot.contract import Mount


def main() -> None:
    """Read the order, leave the caller, keep the container."""
    values = json.load(sys.stdin)
    if os.fork() != 0:
        os._exit(0)  # the caller waits for this one, and the keeper has no parent to leave a zombie with
    os.setsid()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    report = os.dup(1)
    _let_go()
    keeper = Keeper(load_order(values), Attached(), now=clock.now_ns)
    signal.signal(signal.SIGTERM, lambda number, frame: keeper.signal(number))
    try:
        keeper.run(lambda state: _tell(report, {"started": state.pid}))
    except CapasError as error:
        _tell(report, {"error": type(error).__name__, "message": str(error), "hint": error.hint,
                       "code": exit_code_of(error)})  # fmt: skip
    except Exception as error:
        _tell(report, {"error": "CapasError", "message": f"the keeper failed: {error!r}", "hint": "", "code": 125})
    if values["auto_remove"]:
        _remove(values)


def dump_order(order: Order, snapshotter: str, *, auto_remove: bool) -> dict[str, Any]:
    """The order as JSON values."""
    return {
        "root": str(order.root), "run_root": str(order.run_root), "id": order.record.id,
        "mounts": [[mount.type, mount.source, list(mount.options)] for mount in order.mounts],
        "runtime": [order.runtime.name, str(order.runtime.path)], "snapshotter": snapshotter,
        "bridge": list(order.bridge), "auto_remove": auto_remove,
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
    return Order(root, Path(values["run_root"]), record, mounts, runtime, BridgeSettings(*values["bridge"]))


def _let_go() -> None:
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    os.close(quiet)
    os.chdir("/")


def _tell(report: int, message: dict[str, Any]) -> None:
    try:
        os.write(report, json.dumps(message).encode() + b"\n")
        os.close(report)
    except OSError:
        pass  # nobody listens any more, or it was told already


def _remove(values: Mapping[str, Any]) -> None:
    from capas.run.containers import Containers
    from capas.run.ending import remove
    from capas.snapshot.choose import open_snapshotter

    root, run_root = Path(values["root"]), Path(values["run_root"])
    snapshotter, _ = open_snapshotter(root, wanted=values["snapshotter"])
    order = load_order(values)
    containers = Containers(
        root, run_root, snapshotter, runtime=lambda: order.runtime, now=clock.now_ns, token=chance.token
    )
    remove(containers, values["id"], force=True)


if __name__ == "__main__":
    main()
