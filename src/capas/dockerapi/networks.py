"""Networks: the three that there are. None can be made yet."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Host, Route, filters_of, host_of
from capas.errors import NotFound, Unsupported
from capas.run.network import BridgeSettings

_DRIVERS = {"bridge": "bridge", "host": "host", "none": "null"}


async def list_networks(request: web.Request) -> web.Response:
    """GET /networks."""
    host, filters = host_of(request), filters_of(request)
    found = await host.hop(lambda: [_describe(host, name) for name in _DRIVERS])
    return json_answer([one for one in found if _fits(one, filters)])


async def inspect(request: web.Request) -> web.Response:
    """GET /networks/{id}."""
    host, name = host_of(request), request.match_info["id"]
    found = next((one for one in _DRIVERS if name in (one, _id(one))), None)
    if found is None:
        raise NotFound("network {name} not found", name=name[:100])
    return json_answer(await host.hop(_describe, host, found))


async def create(_request: web.Request) -> web.Response:
    """POST /networks/create."""
    raise Unsupported("networks cannot be made yet", hint="networks are bridge, host and none")


def _describe(host: Host, name: str) -> dict[str, Any]:
    settings = BridgeSettings()
    config = [{"Subnet": str(settings.network), "Gateway": settings.gateway}] if name == "bridge" else []
    members = {
        one.id: {"Name": one.name, "EndpointID": one.id} for one in host.engine.containers.list() if one.network == name
    }
    return {
        "Name": name, "Id": _id(name), "Created": "0001-01-01T00:00:00Z", "Scope": "local", "Driver": _DRIVERS[name],
        "EnableIPv6": False, "IPAM": {"Driver": "default", "Options": None, "Config": config}, "Internal": False,
        "Attachable": False, "Ingress": False, "ConfigOnly": False, "Containers": members, "Options": {}, "Labels": {},
    }  # fmt: skip


def _id(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def _fits(network: dict[str, Any], filters: list[str]) -> bool:
    for text in filters:
        key, _, value = text.partition("=")
        if key == "name" and value not in network["Name"]:
            return False
        if key == "driver" and value != network["Driver"]:
            return False
        if key == "id" and not network["Id"].startswith(value):
            return False
        if key in ("label", "dangling") or (key == "type" and value == "custom"):
            return False
    return True


ROUTES: list[Route] = [
    ("GET", "/networks", list_networks),
    ("POST", "/networks/create", create),
    ("GET", "/networks/{id}", inspect),
]
