"""Networks."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.endpoint_body import read_endpoint
from capas.dockerapi.host import Host, Route, filters_of, host_of, json_body
from capas.dockerapi.telling import tell_pruned
from capas.errors import Unsupported
from capas.run.network_options import NetworkRequest

_KNOWN = frozenset({
    "Attachable", "CheckDuplicate", "Driver", "EnableIPv4", "EnableIPv6", "IPAM", "Internal", "Labels", "Name",
    "Options", "Scope",
})  # fmt: skip
_ADDRESSES = frozenset({"AuxiliaryAddresses", "Gateway", "IPRange", "Subnet"})


async def list_networks(request: web.Request) -> web.Response:
    """GET /networks. The list shows no containers, as docker's."""
    host = host_of(request)
    found = await host.hop(host.engine.networks.list, filters=filters_of(request))
    return json_answer([{**one, "Containers": {}} for one in found])


async def inspect(request: web.Request) -> web.Response:
    """GET /networks/{id}."""
    host = host_of(request)
    return json_answer(await host.hop(host.engine.networks.inspect, request.match_info["id"]))


async def create(request: web.Request) -> web.Response:
    """POST /networks/create."""
    host, body = host_of(request), await json_body(request)
    network = await host.hop(host.engine.networks.create, str(body.get("Name") or ""), request_of(body))
    _tell(host, "create", network.id, network.name)
    return json_answer({"Id": network.id, "Warning": ""}, 201)


def request_of(body: dict[str, Any]) -> NetworkRequest:
    """What a client asks for. Raises: Unsupported for what Capas has not."""
    for name, value in body.items():
        if name not in _KNOWN and value:
            raise Unsupported("{field} is not supported by Capas (it was {value})", field=name, value=str(value)[:100])
    addresses = _addresses(body.get("IPAM") or {})
    if body.get("EnableIPv4") is False:
        raise Unsupported("a network without IPv4 is not supported")
    return NetworkRequest(
        driver=str(body.get("Driver") or ""), subnet=str(addresses.get("Subnet") or ""),
        gateway=str(addresses.get("Gateway") or ""), ip_range=str(addresses.get("IPRange") or ""),
        aux=_texts(addresses.get("AuxiliaryAddresses")), internal=bool(body.get("Internal")),
        attachable=bool(body.get("Attachable")), ipv6=bool(body.get("EnableIPv6")), labels=_texts(body.get("Labels")),
        options=_texts(body.get("Options")),
    )  # fmt: skip


def _addresses(ipam: dict[str, Any]) -> dict[str, Any]:
    configs = ipam.get("Config") or []
    if len(configs) > 1 or any(set(one) - _ADDRESSES for one in configs):
        raise Unsupported("a network has one subnet")
    if (ipam.get("Driver") or "default") != "default" or ipam.get("Options"):
        raise Unsupported("addresses are given by Capas: there is no other driver for them")
    return dict(configs[0]) if configs else {}


def _texts(given: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (given or {}).items()}


async def remove(request: web.Request) -> web.Response:
    """DELETE /networks/{id}."""
    host = host_of(request)
    network = await host.hop(host.engine.networks.remove, request.match_info["id"])
    _tell(host, "destroy", network.id, network.name)
    return web.Response(status=204)


async def prune(request: web.Request) -> web.Response:
    """POST /networks/prune: those that no container is on."""
    host = host_of(request)
    gone = await host.hop(host.engine.networks.prune, filters=filters_of(request))
    tell_pruned(host, "network", 0)
    return json_answer({"NetworksDeleted": gone or None})


async def connect(request: web.Request) -> web.Response:
    """POST /networks/{id}/connect."""
    host, body, reference = host_of(request), await json_body(request), request.match_info["id"]
    found = await host.hop(host.engine.networks.inspect, reference)
    endpoint = read_endpoint(found["Name"], body.get("EndpointConfig") or {})
    container = await host.hop(host.engine.networks.connect, found["Name"], str(body.get("Container") or ""), endpoint)
    if container.running:
        _tell(host, "connect", found["Id"], found["Name"], container=container.record.id)
    return web.Response()


async def disconnect(request: web.Request) -> web.Response:
    """POST /networks/{id}/disconnect."""
    host, body, reference = host_of(request), await json_body(request), request.match_info["id"]
    container = await host.hop(
        host.engine.networks.disconnect, reference, str(body.get("Container") or ""), force=bool(body.get("Force"))
    )
    joined = next((one for one in container.state.joined if reference in (one.network, one.network_id)), None)
    if container.running and joined:
        _tell(host, "disconnect", joined.network_id, joined.network, container=container.record.id)
    return web.Response()


def _tell(host: Host, action: str, id: str, name: str, **more: str) -> None:
    host.watch.tell("network", action, id, {"name": name, "type": "bridge", **more})


ROUTES: list[Route] = [
    ("GET", "/networks", list_networks),
    ("POST", "/networks/create", create),
    ("POST", "/networks/prune", prune),
    ("POST", "/networks/{id}/connect", connect),
    ("POST", "/networks/{id}/disconnect", disconnect),
    ("GET", "/networks/{id}", inspect),
    ("DELETE", "/networks/{id}", remove),
]
