"""Versions of the API: which are spoken, and how those that are not are refused.

Spec: Docker Engine API, "Versioning".
"""

from __future__ import annotations

from aiohttp import web

from capas.dockerapi.answers import Handler
from capas.errors import Invalid

API_VERSION, MIN_API_VERSION = "1.51", "1.24"


@web.middleware
async def check_version(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises: Invalid for a version that is not spoken, in words by which clients know it."""
    version = request.match_info.get("version")
    number = _number(version or API_VERSION)
    if number > _number(API_VERSION):
        raise Invalid("client version {version} is too new. Maximum supported API version is {newest}",
                      version=version, newest=API_VERSION)  # fmt: skip
    if number < _number(MIN_API_VERSION):
        raise Invalid(
            "client version {version} is too old. Minimum supported API version is {oldest}, please upgrade your "
            "client to a newer version", version=version, oldest=MIN_API_VERSION,
        )  # fmt: skip
    return await handler(request)


async def tell_version(_request: web.Request, response: web.StreamResponse) -> None:
    """Every answer has it, as docker's."""
    response.headers.setdefault("Api-Version", API_VERSION)
    response.headers.setdefault("Ostype", "linux")


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
