"""Which networks a container is on: those it is made for, and those that it is connected to and taken from later."""

from __future__ import annotations

from capas.errors import Conflict, Denied, NotFound
from capas.run.containers import Container, Containers
from capas.run.control import Control
from capas.run.endpoint import Endpoint, check_endpoint
from capas.run.network import MODES, choose_network, is_bridged
from capas.run.record import write_record
from capas.run.settling import check_on
from capas.store.lock import locked


def connect(containers: Containers, reference: str, endpoint: Endpoint) -> Container:
    """Connect a container to one more network, at once where it runs. The container as it was.

    Raises: NotFound; Conflict where it is on it, or can be on none; Invalid; Exhausted.
    """
    container = containers.get(reference)
    _check_mode(container)
    bridge = containers.networks.bridge_of(endpoint.network)
    endpoint = check_endpoint(endpoint._replace(network=bridge.title))
    with locked(containers.folder(container.record.id) / ".networks"):
        container = containers.get(container.record.id)
        if any(one.network == bridge.title for one in container.record.spec.endpoints):
            raise Conflict("endpoint with name {container} already exists in network {network}",
                           container=container.record.name, network=bridge.title)  # fmt: skip
        check_on(endpoint, bridge)
        if container.running:
            _ask(containers, container, {"do": "join", "endpoint": endpoint._asdict()})
        _note(containers, container, (*container.record.spec.endpoints, endpoint))
    return container


def disconnect(containers: Containers, reference: str, network: str, *, force: bool = False) -> Container:
    """Take a container from a network, at once where it runs. The container as it was.

    `force` is for what is not there any more: the network, or the container's part in it.
    Raises: NotFound; Conflict where it is not on it.
    """
    container = containers.get(reference)
    found = None if network in MODES else containers.networks.find(network)
    title = found.name if found else network
    with locked(containers.folder(container.record.id) / ".networks"):
        container = containers.get(container.record.id)
        known = container.record.spec.endpoints
        left = tuple(one for one in known if one.network != title)
        if left == known:
            if not found and network not in MODES and not force:
                raise NotFound("network {name} not found", name=network[:200])
            raise Denied("container {container} is not connected to network {network}",
                         container=container.record.id, network=title)  # fmt: skip
        if container.running:
            _ask(containers, container, {"do": "leave", "endpoint": {"network": title}})
        _note(containers, container, left)
    return container


def _check_mode(container: Container) -> None:
    mode = choose_network(container.record.spec.network, ports=False)
    if mode == "none":
        raise Denied("container cannot be connected to multiple networks with one of the networks in private "
                     "(none) mode")  # fmt: skip
    if not is_bridged(mode):
        raise Denied("container sharing network namespace with another container or host cannot be connected to any "
                     "other network")  # fmt: skip


def _ask(containers: Containers, container: Container, request: dict[str, object]) -> None:
    with Control(containers.live(container.record.id), container.record.name) as control:
        control.ask(request)


def _note(containers: Containers, container: Container, endpoints: tuple[Endpoint, ...]) -> None:
    spec = container.record.spec._replace(endpoints=endpoints)
    write_record(containers.folder(container.record.id), container.record._replace(spec=spec))
