"""Every operation of the API, gathered: a new noun adds its module here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from capas.hub.api import (
    accounts,
    audit,
    finding,
    me,
    organisations,
    replications,
    repositories,
    rules,
    sessions,
    teams,
    tokens,
    upstreams,
    webhooks,
)
from capas.hub.api.door import Door, refuse
from capas.hub.api.openapi import BASE, describe
from capas.hub.api.operation import Operation
from capas.hub.api.refusals import NOT_FOUND
from capas.hub.distribution.refusal import Refused
from capas.release import capas_version

_ROOMS = (
    accounts,
    audit,
    finding,
    me,
    organisations,
    replications,
    repositories,
    rules,
    sessions,
    teams,
    tokens,
    upstreams,
    webhooks,
)
OPERATIONS: tuple[Operation, ...] = tuple(chain.from_iterable(room.OPERATIONS for room in _ROOMS))


NOTHING = Refused(NOT_FOUND, "there is nothing at this address of the API")


async def _get_document(_request: Request) -> Response:
    return Response(msgspec.json.encode(describe(OPERATIONS, capas_version())), media_type="application/json")


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await refuse(NOTHING)(scope, receive, send)


def _route(operations: Iterable[Operation]) -> Iterator[Route]:
    """One route a path, with its operations by method."""
    paths: dict[str, dict[str, Operation]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = one
    for path, methods in paths.items():
        yield Route(path, Door(methods))


_ROUTER = Router([Route("/openapi.json", _get_document), *_route(OPERATIONS)], redirect_slashes=False, default=_nothing)
ROUTES: tuple[BaseRoute, ...] = (Mount(BASE, _ROUTER),)
