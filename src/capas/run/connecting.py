"""A container is connected when it starts: with the host's network, none, another container's, or bridges as root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from capas.errors import CapasError, Conflict
from capas.run.bridge import BridgeSettings
from capas.run.bridged import Bridged
from capas.run.connection import Connection, mark_shared
from capas.run.firewall import Firewall
from capas.run.leases import Leases
from capas.run.links import delete_link
from capas.run.network import SHARED, choose_network, is_bridged
from capas.run.plug import outer_name
from capas.run.ports import Port
from capas.run.record import Record, State, read_record, read_state


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
