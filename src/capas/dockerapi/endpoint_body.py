"""Networks of a container as clients send them: `NetworkingConfig` of a new one, `EndpointConfig` of a connection.

Spec: Docker Engine API, "EndpointSettings".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capas.errors import Unsupported
from capas.run.endpoint import Endpoint

# What clients send back of what an inspect has shown them says nothing of what they want
_SHOWN = frozenset({
    "DNSNames", "EndpointID", "Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPAddress", "IPPrefixLen",
    "IPv6Gateway", "NetworkID",
})  # fmt: skip
_WANTED = frozenset({"Aliases", "GwPriority", "IPAMConfig", "Links", "MacAddress"})


def read_networks(body: Mapping[str, Any], host: Mapping[str, Any]) -> tuple[str, tuple[Endpoint, ...]]:
    """The mode of a new container, and what it asks for on each network. Raises: Unsupported."""
    mode = _plain(str(host.get("NetworkMode") or ""))
    first = mode or "bridge"
    given = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    asked = {_plain(name) or "bridge": one or {} for name, one in given.items()}
    endpoints = {name: read_endpoint(name, one) for name, one in asked.items()}
    own = endpoints.pop(first, Endpoint(first))
    # older clients say these of the container, and compose says links here and there
    mac, links = str(body.get("MacAddress") or ""), tuple(map(str, host.get("Links") or ()))
    own = own._replace(mac=own.mac or mac, links=tuple(dict.fromkeys((*own.links, *links))))
    return mode, (own, *endpoints.values()) if endpoints or own != Endpoint(first) else ()


def read_endpoint(network: str, given: Mapping[str, Any]) -> Endpoint:
    """What is asked for on one network. Raises: Unsupported for what Capas has not."""
    addresses = given.get("IPAMConfig") or {}
    for where, values, known in (("", given, _WANTED | _SHOWN), ("IPAMConfig.", addresses, {"IPv4Address"})):
        for name, value in values.items():
            if name not in known and value:
                raise Unsupported("{field} is not supported by Capas (it was {value})",
                                  field=f"EndpointsConfig.{where}{name}", value=str(value)[:100])  # fmt: skip
    return Endpoint(
        network, tuple(given.get("Aliases") or ()), str(addresses.get("IPv4Address") or ""),
        str(given.get("MacAddress") or ""), tuple(given.get("Links") or ()), int(given.get("GwPriority") or 0),
    )  # fmt: skip


def _plain(mode: str) -> str:
    return "" if mode == "default" else mode
