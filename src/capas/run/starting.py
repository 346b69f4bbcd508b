"""Starting containers under keepers of their own, which outlive whoever starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from capas import errors
from capas.errors import CapasError, Conflict, Unavailable
from capas.run.containers import Container, Containers
from capas.run.ending import let_end
from capas.run.keeper import Order
from capas.run.monitor import dump_order
from capas.run.policy import parse_policy
from capas.run.record import write_state
from capas.run.relay import load_error
from capas.run.restarting import forget_stopped, is_wanted
from capas.run.streams import Attached

_NOBODY = Attached()


def start_detached(containers: Containers, reference: str, attached: Attached = _NOBODY) -> None:
    """Start it under a keeper that outlives us; returns once it runs. Raises: as `Keeper.run`.

    The keeper inherits the descriptors of `attached`; ours may be closed afterwards.
    """
    container = get_startable(containers, reference)
    begin(containers, container, attached).close()


def begin(containers: Containers, container: Container, attached: Attached) -> IO[bytes]:
    """As `start_detached`; what its keeper says of its last end comes from the file: a line for `check_answer`."""
    _begin_anew(containers, container)
    auto_remove = container.record.spec.auto_remove
    order = dump_order(order_of(containers, container), containers.snapshotter.name, attached, auto_remove=auto_remove)
    source = Path(errors.__file__).parent.parent
    done = subprocess.Popen(
        [sys.executable, "-m", "capas.run.monitor"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        env={"PATH": os.defpath, "PYTHONPATH": str(source)}, cwd="/",
        pass_fds=[fd for fd in attached if fd is not None],
    )  # fmt: skip
    assert done.stdin is not None and done.stdout is not None
    with done.stdin:
        done.stdin.write(json.dumps(order).encode())
    answer = done.stdout.readline()
    done.wait()
    try:
        check_answer(answer, container)
    except BaseException:
        done.stdout.close()
        raise
    return done.stdout


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


def get_startable(containers: Containers, reference: str) -> Container:
    """One that does not run, and whose last keeper is gone. Raises: NotFound; Conflict."""
    container = containers.get(reference)
    if container.running:
        raise Conflict("container {container} is running already", container=container.record.name)
    let_end(containers, container.record.id)
    return container


def order_of(containers: Containers, container: Container) -> Order:
    """What its keeper is to know."""
    record = container.record
    mounts = tuple(containers.snapshotter.mounts(record.snapshot))
    return Order(containers.root, containers.run_root, record, mounts, containers.runtime(), containers.bridge)


def check_answer(answer: bytes, container: Container) -> dict[str, Any]:
    """What a keeper told. Raises: what it says went wrong; Unavailable where it says nothing."""
    if not answer:
        raise Unavailable("the keeper of container {container} is gone", container=container.record.name)
    told: dict[str, Any] = json.loads(answer)
    if "error" in told:
        raise load_error(told)
    return told
