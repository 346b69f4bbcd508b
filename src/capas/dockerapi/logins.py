"""Who the client says it is: `X-Registry-Auth`, `X-Registry-Config`, and `/auth`.

Spec: Docker Engine API, "Authentication": URL-safe base64 of JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Host, Route, host_of, json_body
from capas.engine.engine import Engine
from capas.errors import Invalid
from capas.registry.credentials import Find, Login

_HUB = frozenset({"", "https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"})


def engine_for(request: web.Request) -> Engine:
    """The engine, speaking to registries as the client of this request. Raises: Invalid."""
    text = request.headers.get("X-Registry-Auth", "")
    given = _decode(text, "X-Registry-Auth") if text else {}
    login = _login(given)
    # without credentials of its own docker's client means to be nobody: the daemon has no file of logins
    return host_of(request).engine.speaking_as(lambda domain, path: login)


def find_in_config(request: web.Request) -> Find:
    """The logins of a build, by registry. Raises: Invalid."""
    text = request.headers.get("X-Registry-Config", "")
    known = _decode(text, "X-Registry-Config") if text else {}
    logins = {domain_of(key): _login(value) for key, value in known.items() if isinstance(value, dict)}
    return lambda domain, path: logins.get(domain)


def domain_of(address: str) -> str:
    """The registry that docker's client means by a server address."""
    if address in _HUB:
        return "docker.io"
    return address.removeprefix("https://").removeprefix("http://").split("/", 1)[0]


async def check(request: web.Request) -> web.Response:
    """POST /auth: whether a registry takes this login; the client keeps it itself."""
    host, body = host_of(request), await json_body(request)
    domain = domain_of(str(body.get("serveraddress", "")))
    token = await host.hop(_check, host, domain, body)
    return json_answer({"Status": "Login Succeeded", "IdentityToken": token})


def _check(host: Host, domain: str, body: Mapping[str, Any]) -> str:
    return host.engine.logins.check(domain, str(body.get("username", "")), str(body.get("password", "")))


def _login(given: Mapping[str, Any]) -> Login | None:
    username, secret = str(given.get("username") or ""), str(given.get("password") or "")
    token = str(given.get("identitytoken") or "")
    return Login(username, secret, token) if username or token else None


def _decode(text: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        raise Invalid("the header {name} is not base64 of JSON", name=name) from None
    return found if isinstance(found, dict) else {}


ROUTES: list[Route] = [("POST", "/auth", check)]
