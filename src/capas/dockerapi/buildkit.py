"""BuildKit for docker's own builder: buildx speaks gRPC on a connection of this API, and offers its session on another.

Spec: moby/moby, api/server/router/grpc and session: POST /grpc and POST /session, upgraded to h2c.
"""

from __future__ import annotations

from aiohttp import web

from capas.buildkit.services import Handed, Services
from capas.dockerapi.answers import Taken
from capas.dockerapi.host import Route
from capas.errors import Invalid

BUILDER = web.AppKey("builder", Services)
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


async def calls(request: web.Request) -> web.StreamResponse:
    """POST /grpc: the control API."""
    await request.app[BUILDER].serve_calls(_hand_over(request))
    return Taken()


async def session(request: web.Request) -> web.StreamResponse:
    """POST /session: what the client offers."""
    await request.app[BUILDER].serve_session(_hand_over(request), request.headers.items())
    return Taken()


def _hand_over(request: web.Request) -> Handed:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError
    if request.headers.get("Upgrade", "").lower() != "h2c":
        raise Invalid("this needs a connection of its own", hint="ask for an upgrade to h2c")
    return Handed(transport, request.protocol, lambda: transport.write(_SWITCH))


ROUTES: list[Route] = [("POST", "/grpc", calls), ("POST", "/session", session)]
