"""How a container is connected: with the host's network, none, another container's, or bridges as root."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from capas.errors import CapasError, Conflict, Unsupported
from capas.run.bridge import BridgeSettings, delete_link
from capas.run.bridged import Bridged
from capas.run.cgroups import read_text
from capas.run.connection import Connection, mark_shared
from capas.run.firewall import Firewall
from capas.run.leases import Leases
from capas.run.plug import outer_name
from capas.run.ports import Port
from capas.run.record import Record, State, read_record, read_state

MODES = ("host", "none", "bridge")
SHARED = "container:"
_ALONE = ("host", "none")


def choose_network(wanted: str, *, ports: bool) -> str:
    """The mode of a container: the one wanted, or a bridge for root where one can be made, else the host's network.

    A name that is none of these modes is that of a network somebody made, or `container:ID`.
    Raises: Unsupported for a bridge without root, or ports without a bridge.
    """
    mode = {"default": "", "private": "bridge"}.get(wanted, wanted)
    if not mode:
        mode = "bridge" if _can_bridge() else "host"
        if ports and mode == "host":
            raise Unsupported(
                "ports can be published by root only", hint="use --network=host: ports are then the host's"
            )
    if mode.startswith(SHARED) and not is_root():  # who is not has a user namespace for each container
        raise Unsupported("sharing the network of a container needs root", hint="use --network=host or none")
    if is_bridged(mode) and not is_root():
        raise Unsupported("a bridge network needs root", hint="use --network=host or none")
    return mode


def is_bridged(mode: str) -> bool:
    """Whether a container of this mode has interfaces of its own on networks."""
    return mode not in _ALONE and not mode.startswith(SHARED)


def connect(record: Record, root: Path, run_root: Path, find_bridge: Callable[[str], BridgeSettings]) -> Connection:
    """Connect a container that is about to start.

    Raises: Unsupported; NotFound; Conflict for a port or an address in use; Exhausted.
    """
    mode = choose_network(record.spec.network, ports=bool(record.spec.ports))
    if mode.startswith(SHARED):
        return _share(mode.removeprefix(SHARED), root, run_root)
    if not is_bridged(mode):
        return Connection(mode, mode)
    return Bridged(record, run_root, mode, [(one, find_bridge(one.network)) for one in record.spec.endpoints])


def disconnect_dead(container_id: str, run_root: Path, state: State) -> None:
    """Clear up the networks of a container whose keeper was killed. Idempotent."""
    ports = [Port(*port) for port in state.ports]
    try:
        for joined in state.joined:
            Firewall().unpublish(container_id[:12], joined.address, ports)
    except CapasError:
        pass
    for joined in state.joined:
        delete_link(outer_name(container_id, joined.interface))
        Leases(BridgeSettings(joined.bridge)).drop(run_root / "containers" / container_id)


def is_root() -> bool:
    """Whether we may make interfaces on the host."""
    return os.geteuid() == 0 and read_text("/proc/self/uid_map").split() == ["0", "0", "4294967295"]


def _share(container_id: str, root: Path, run_root: Path) -> Connection:
    record = read_record(root / "containers" / container_id)
    if record is not None and record.spec.network.startswith(SHARED):  # what it has is another's too
        return _share(record.spec.network.removeprefix(SHARED), root, run_root)
    state = read_state(root / "containers" / container_id)
    if state.status != "running":
        raise Conflict("cannot join network of a non running container: {container}", container=container_id)
    live = run_root / "containers" / container_id
    mark_shared(live)
    return Connection(SHARED + container_id, f"/proc/{state.pid}/ns/net", live)


def _can_bridge() -> bool:
    if not is_root():
        return False
    try:
        Firewall()
    except CapasError:
        return False
    return True
