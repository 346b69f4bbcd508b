"""Networks."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Route, filters_of, host_of, json_body
from capas.errors import Unsupported

_KNOWN = frozenset(
    {"Name", "Driver", "Labels", "IPAM", "CheckDuplicate", "Attachable", "Scope", "Options", "EnableIPv4"}
)


async def list_networks(request: web.Request) -> web.Response:
    """GET /networks."""
    host = host_of(request)
    return json_answer(await host.hop(host.engine.networks.list, filters=filters_of(request)))


async def inspect(request: web.Request) -> web.Response:
    """GET /networks/{id}."""
    host = host_of(request)
    return json_answer(await host.hop(host.engine.networks.inspect, request.match_info["id"]))


async def create(request: web.Request) -> web.Response:
    """POST /networks/create."""
    host, body = host_of(request), await json_body(request)
    _refuse(body)
    labels = {str(key): str(value) for key, value in (body.get("Labels") or {}).items()}
    name, subnet = str(body.get("Name") or ""), _subnet(body)
    network = await host.hop(host.engine.networks.create, name, subnet=subnet, labels=labels)
    host.watch.tell("network", "create", network.id, {"name": network.name, "type": "bridge"})
    return json_answer({"Id": network.id, "Warning": ""}, 201)


def _subnet(body: dict[str, Any]) -> str:
    configs = (body.get("IPAM") or {}).get("Config") or []
    if len(configs) > 1 or any(set(one) - {"Subnet"} for one in configs):
        raise Unsupported("a network has one subnet, and its first address is the gateway")
    return str(configs[0].get("Subnet") or "") if configs else ""


def _refuse(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name not in _KNOWN and value:
            raise Unsupported("{field} is not supported by Capas (it was {value})", field=name, value=str(value)[:100])
    if (body.get("Driver") or "bridge") not in ("bridge", "default"):
        raise Unsupported("only the network driver bridge is supported")
    if ((body.get("IPAM") or {}).get("Driver") or "default") != "default" or body.get("Options"):
        raise Unsupported("networks have no options, and addresses are given by Capas")


async def remove(request: web.Request) -> web.Response:
    """DELETE /networks/{id}."""
    host = host_of(request)
    network = await host.hop(host.engine.networks.remove, request.match_info["id"])
    host.watch.tell("network", "destroy", network.id, {"name": network.name, "type": "bridge"})
    return web.Response(status=204)


async def prune(request: web.Request) -> web.Response:
    """POST /networks/prune: those that no container has."""
    host = host_of(request)
    return json_answer({"NetworksDeleted": await host.hop(host.engine.networks.prune) or None})


async def connect(_request: web.Request) -> web.Response:
    """POST /networks/{id}/connect and disconnect: a container is on one network, from its start to its end."""
    raise Unsupported("a container is on the network that it was made for", hint="make it with --network")


ROUTES: list[Route] = [
    ("GET", "/networks", list_networks),
    ("POST", "/networks/create", create),
    ("POST", "/networks/prune", prune),
    ("POST", "/networks/{id}/connect", connect),
    ("POST", "/networks/{id}/disconnect", connect),
    ("GET", "/networks/{id}", inspect),
    ("DELETE", "/networks/{id}", remove),
]
