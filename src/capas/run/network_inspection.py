"""The networks of a container as docker's `inspect` shows them."""

from __future__ import annotations

from typing import Any

from capas.errors import CapasError
from capas.run.bridge import built_in_id
from capas.run.containers import Container, Containers
from capas.run.endpoint import Endpoint, Joined
from capas.run.network import choose_network
from capas.run.ports import Port
from capas.run.record import State, names_of
from capas.run.spec import ContainerSpec

_NOWHERE = Joined("", "", "", "", "", "", 0, "", "")


def describe_network(containers: Containers, container: Container) -> dict[str, Any]:
    """docker's `NetworkSettings`. The address at its top is that on the default network."""
    state = container.state
    ports: dict[str, Any] = {exposed(text): None for text in container.record.spec.exposed}
    for port in published(state):
        key = f"{port.container_port}/{port.protocol}"
        ports[key] = [*(ports.get(key) or []),
                      {"HostIp": port.address or "0.0.0.0", "HostPort": str(port.host_port)}]  # fmt: skip
    default = next((one for one in _joined(container) if one.network == "bridge"), _NOWHERE)
    return {
        "SandboxID": container.record.id if container.running else "", "SandboxKey": "",
        "Ports": ports if container.running else {}, **_address(default),
        "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "IPv6Gateway": "",
        "EndpointID": default.endpoint_id, "Networks": describe_networks(containers, container),
    }  # fmt: skip


def describe_networks(containers: Containers, container: Container) -> dict[str, dict[str, Any]]:
    """docker's `EndpointSettings` of each network that a container is on, by the network's name."""
    mode = container.state.network or network_mode(container.record.spec)
    if mode in ("host", "none"):
        return {mode: _endpoint(containers, container, Endpoint(mode), _NOWHERE)}
    joined = {one.network: one for one in _joined(container)}
    return {
        one.network: _endpoint(containers, container, one, joined.get(one.network, _NOWHERE))
        for one in container.record.spec.endpoints
    }


def network_mode(spec: ContainerSpec) -> str:
    """The network it asks for, or the one that it gets where it asks for none."""
    return spec.network or choose_network("", ports=False)


def published(state: State) -> list[Port]:
    """The ports of a running container."""
    return [Port(*port) for port in state.ports]


def exposed(text: str) -> str:
    """`80/tcp` for 80."""
    return text if "/" in text else f"{text}/tcp"


def _endpoint(containers: Containers, container: Container, endpoint: Endpoint, joined: Joined) -> dict[str, Any]:
    record = container.record
    named = endpoint.network not in ("bridge", "host", "none")
    return {
        "IPAMConfig": {"IPv4Address": endpoint.address} if endpoint.address else {} if named else None,
        "Links": list(endpoint.links) or None, "Aliases": list(endpoint.aliases) or ([] if named else None),
        "DriverOpts": None, "GwPriority": endpoint.priority,
        "NetworkID": joined.network_id or _id_of(containers, endpoint.network), "EndpointID": joined.endpoint_id,
        **_address(joined), "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0,
        "DNSNames": list(names_of(record, endpoint)) if named else None,
    }  # fmt: skip


def _address(joined: Joined) -> dict[str, Any]:
    return {
        "Gateway": joined.gateway, "IPAddress": joined.address, "IPPrefixLen": joined.prefix,
        "MacAddress": joined.mac,
    }  # fmt: skip


def _joined(container: Container) -> tuple[Joined, ...]:
    return container.state.joined if container.running else ()


def _id_of(containers: Containers, network: str) -> str:
    try:
        return built_in_id(network) if network in ("host", "none") else containers.networks.bridge_of(network).id
    except CapasError:
        return ""  # it was removed
