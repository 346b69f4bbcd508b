"""What only a swarm has: refused as docker refuses it where there is none; and plugins, of which there are none."""

from __future__ import annotations

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Route
from capas.errors import Unavailable


async def nothing(_request: web.Request) -> web.Response:
    """GET /swarm, /nodes, /services, …. Raises: Unavailable."""
    raise Unavailable("This node is not a swarm manager. Capas has no swarm.")


async def list_plugins(_request: web.Request) -> web.Response:
    """GET /plugins."""
    return json_answer([])


ROUTES: list[Route] = [
    *(("GET", path, nothing) for path in ("/swarm", "/nodes", "/services", "/tasks", "/secrets", "/configs")),
    ("POST", "/swarm/init", nothing),
    ("POST", "/swarm/join", nothing),
    ("POST", "/services/create", nothing),
    ("POST", "/secrets/create", nothing),
    ("POST", "/configs/create", nothing),
    ("GET", "/plugins", list_plugins),
]
