"""Networks as docker's `inspect` and `ls` show them, and the filters of `ls` and `prune`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from capas.engine.container_times import parse_moment
from capas.errors import Invalid
from capas.run.bridge import built_in_id
from capas.run.containers import Container, Containers
from capas.run.links import mtu_of
from capas.run.network_options import BINDING, MASQUERADE, MTU, NAME, TALKING, NetworkRequest
from capas.run.networks import Network
from capas.run.times import format_time

BUILT_IN = {"bridge": "bridge", "host": "host", "none": "null"}  # and their drivers
FILTERS = ("dangling", "driver", "id", "label", "name", "scope", "type")
_DEFAULT = "com.docker.network.bridge.default_bridge"


def known_networks(containers: Containers) -> Iterator[Network]:
    """Those that are always there, and those that somebody made."""
    bridge = containers.bridge
    options = {
        _DEFAULT: "true", TALKING: "true", MASQUERADE: "true", BINDING: "0.0.0.0", NAME: bridge.name,
        MTU: str(mtu_of(bridge)),
    }  # fmt: skip
    yield Network(bridge.id, "bridge", bridge.subnet, 0, NetworkRequest(gateway=bridge.gateway, options=options))
    for name in ("host", "none"):
        yield Network(built_in_id(name), name, "")
    yield from containers.networks.list()


def describe(network: Network, running: Sequence[Container]) -> dict[str, Any]:
    """docker's JSON fields. `Containers` are those that run."""
    request = network.request
    return {
        "Name": network.name, "Id": network.id, "Created": format_time(network.created_ns), "Scope": "local",
        "Driver": BUILT_IN.get(network.name, "bridge"), "EnableIPv4": True, "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": None if network.name in BUILT_IN else {}, "Config": _config(network)},
        "Internal": request.internal, "Attachable": request.attachable, "Ingress": False, "ConfigFrom": {"Network": ""},
        "ConfigOnly": False, "Containers": dict(_members(network, running)), "Options": dict(request.options),
        "Labels": dict(request.labels),
    }  # fmt: skip


def fits(network: Mapping[str, Any], filters: Sequence[str]) -> bool:
    """Values of one key are alternatives, keys add up; every label has to be there. Raises: Invalid."""
    groups: dict[str, list[bool]] = {}
    for text in filters:
        key, equals, value = text.partition("=")
        if not equals or key not in FILTERS:
            raise Invalid(
                "not a network filter: {filter!r}", filter=text[:200], hint="filters are: " + ", ".join(FILTERS)
            )
        groups.setdefault(key, []).append(_TESTS[key](network, value))
    return all(groups.pop("label", [])) and all(any(found) for found in groups.values())


def prunable(containers: Containers, filters: Sequence[str], now: int) -> Iterator[Network]:
    """Those that somebody made, and that docker's filters of prune leave. Raises: Invalid."""
    tests = [_prune_test(text, now) for text in filters]
    return (one for one in containers.networks.list() if all(test(one) for test in tests))


def _prune_test(text: str, now: int) -> Callable[[Network], bool]:
    key, _, value = text.partition("=")
    if key == "until":
        until = parse_moment(value, now)
        return lambda network: network.created_ns < until
    if key in ("label", "label!"):
        return lambda network: _has_label(network.request.labels, value) == (key == "label")
    raise Invalid(
        "not a filter of network prune: {filter!r}", filter=text[:200], hint="filters are: until, label, label!"
    )


def _config(network: Network) -> list[dict[str, Any]]:
    if not network.subnet:
        return []
    request, settings = network.request, network.settings
    shown: dict[str, Any] = {"Subnet": network.subnet, "Gateway": request.gateway or settings.gateway}
    if request.ip_range:
        shown["IPRange"] = request.ip_range
    if request.aux:
        shown["AuxiliaryAddresses"] = dict(request.aux)
    return [shown]


def _members(network: Network, running: Sequence[Container]) -> Iterator[tuple[str, dict[str, str]]]:
    for record, state in running:
        for joined in state.joined:
            if joined.network == network.name:
                yield record.id, {
                    "Name": record.name, "EndpointID": joined.endpoint_id, "MacAddress": joined.mac,
                    "IPv4Address": f"{joined.address}/{joined.prefix}", "IPv6Address": "",
                }  # fmt: skip


def _has_label(labels: Mapping[str, str], text: str) -> bool:
    name, has_value, wanted = text.partition("=")
    return name in labels and (not has_value or labels[name] == wanted)


def _of_type(network: Mapping[str, Any], value: str) -> bool:
    if value not in ("builtin", "custom"):
        raise Invalid("a network's type is builtin or custom, not {value!r}", value=value[:50])
    return (network["Name"] in BUILT_IN) == (value == "builtin")


def _is_dangling(network: Mapping[str, Any], value: str) -> bool:
    if value.lower() not in ("true", "1", "false", "0"):
        raise Invalid("dangling is true or false, not {value!r}", value=value[:50])
    dangling = network["Name"] not in BUILT_IN and not network["Containers"]
    return dangling == (value.lower() in ("true", "1"))


_TESTS: Mapping[str, Callable[[Mapping[str, Any], str], bool]] = {
    "name": lambda network, value: value in network["Name"],
    "driver": lambda network, value: bool(value == network["Driver"]),
    "scope": lambda network, value: bool(value == network["Scope"]),
    "id": lambda network, value: network["Id"].startswith(value),
    "label": lambda network, value: _has_label(network["Labels"], value),
    "type": _of_type,
    "dangling": _is_dangling,
}
