"""The networks of a new container, from what was asked for: its mode, and an endpoint for each bridge it is on."""

from __future__ import annotations

from collections.abc import Callable

from capas.errors import Invalid, NotFound, Unsupported
from capas.run.bridge import BridgeSettings
from capas.run.endpoint import Endpoint, check_endpoint
from capas.run.network import SHARED, choose_network, is_bridged
from capas.run.record import Record
from capas.run.spec import ContainerSpec

_LINKS = "container type network can't be used with links. This would result in undefined behavior"


def settle(
    spec: ContainerSpec, find_bridge: Callable[[str], BridgeSettings], find_container: Callable[[str], Record]
) -> ContainerSpec:
    """The spec with its networks by name, the one it was made for first.

    Raises: Invalid for what does not go together; NotFound; Unsupported.
    """
    mode = choose_network(spec.network, ports=bool(spec.ports))
    if mode.startswith(SHARED):
        return _shared(spec, mode.removeprefix(SHARED), find_container)
    if not is_bridged(mode):
        _check_alone(spec, mode)
        return spec._replace(endpoints=())
    asked = spec.endpoints
    if not any(find_bridge(one.network).title == find_bridge(mode).title for one in asked):
        asked = (Endpoint(mode), *asked)
    settled: dict[str, Endpoint] = {}
    for endpoint in asked:
        bridge = find_bridge(endpoint.network)
        if bridge.title in settled:
            raise Invalid("network {network} is specified multiple times", network=bridge.title)
        endpoint = check_endpoint(endpoint._replace(network=bridge.title))
        check_on(endpoint, bridge)
        settled[bridge.title] = endpoint
    first = find_bridge(mode).title
    ordered = sorted(settled.values(), key=lambda one: one.network != first)
    return spec._replace(endpoints=tuple(ordered))


def check_on(endpoint: Endpoint, bridge: BridgeSettings) -> None:
    """Raises: Invalid for what this network has not."""
    if endpoint.address:
        bridge.check_address(endpoint.address)
    if endpoint.aliases and not bridge.named:
        raise Invalid("network-scoped aliases are only supported for user-defined networks")
    if endpoint.links and not bridge.named:
        raise Unsupported(
            "links are not supported on the default network", hint="make a network: names are known there"
        )


def _check_alone(spec: ContainerSpec, mode: str) -> None:
    if any(one.network != mode for one in spec.endpoints):
        raise Invalid("conflicting options: cannot attach both user-defined and non-user-defined network-modes")
    if any(one.address or one.aliases or one.links for one in spec.endpoints):
        raise Invalid("addresses, aliases and links need a network that was made, not {mode}", mode=mode)


def _shared(spec: ContainerSpec, reference: str, find_container: Callable[[str], Record]) -> ContainerSpec:
    if not reference:
        raise Invalid("invalid container format container:<name|id>")
    for wrong, what in (
        (spec.hostname, "hostname and the network mode"), (spec.dns, "dns and the network mode"),
        (spec.add_hosts, "custom host-to-IP mapping and the network mode"),
        (spec.ports or spec.publish_all, "port publishing and the container type network mode"),
        (any(one.links for one in spec.endpoints), _LINKS),
        (spec.endpoints, "cannot attach both user-defined and non-user-defined network-modes"),
    ):  # fmt: skip
        if wrong:
            raise Invalid("conflicting options: {what}", what=what)
    try:
        other = find_container(reference)
    except NotFound:
        raise NotFound("No such container: {container}", container=reference) from None
    return spec._replace(network=SHARED + other.id, hostname=other.hostname)
