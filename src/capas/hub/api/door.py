"""The door of the JSON API: who asks, what is asked, decoded strictly; then the operation, and its answer as JSON."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from capas.errors import CapasError
from capas.hub.api.operation import Ask, Operation, Page
from capas.hub.api.refusals import BAD_REQUEST, LOG_IN, NO_METHOD, NOT_JSON, TOO_LARGE, refusal_of
from capas.hub.distribution.refusal import UNAUTHORIZED, Refused, unexpected
from capas.hub.hub import Hub
from capas.hub.pages.cookies import SESSION, read_cookie
from capas.hub.pages.forms import HEADER, is_ours
from capas.hub.people.access import Identity
from capas.hub.people.who import NOBODY, authorization, identify, identify_session
from capas.typed import from_json, from_plain

_LARGEST_BODY = 1 << 20
_JSON = "application/json"


class Door:
    """One path of the API, with its operations by method: an ASGI application."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = operations
        self._shapes = {method: one.shape for method, one in operations.items()}
        self._log = logging.getLogger("capas.hub")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, by ASGI."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._do(request)
        except Refused as refused:
            return refuse(refused)
        except CapasError as error:
            return refuse(refusal_of(error))
        except ClientDisconnect:
            raise
        except Exception:
            self._log.exception("%s %s", request.method, request.url.path)
            return refuse(unexpected())

    async def _do(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        operation = self._operations.get(method)
        if operation is None:
            allow = ", ".join(self._operations).encode()
            raise Refused(NO_METHOD, f"{request.method} is not supported here", headers=((b"allow", allow),))
        hub: Hub = request.app.state.hub
        identity = await _identify(hub, request)
        if not (operation.public or identity.name or hub.options.open):
            raise Refused(UNAUTHORIZED, "log in first", headers=LOG_IN)
        values = await self._decode(request, method)
        url, address = str(request.url.replace(query="")), hub.doors.origins.find_address(request.scope)
        ask = Ask(hub, identity, url, address)
        found = await hub.hop(operation.work, ask, **request.path_params, **values)
        return _answer(request, operation, found)

    async def _decode(self, request: Request, method: str) -> dict[str, Any]:
        """The query and the body as structs. Raises: Refused."""
        shape, values = self._shapes[method], dict[str, Any]()
        query = _parameters(request.scope["query_string"])
        try:
            if shape.query is not None:
                values["query"] = from_plain(query, shape.query, texts=True)
            elif query:
                raise Refused(BAD_REQUEST, f"no parameter is known here: {next(iter(query))[:100]!r}")
            if shape.body is not None:
                values["body"] = from_json(await _read_json(request), shape.body)
        except msgspec.MsgspecError as error:
            raise Refused(BAD_REQUEST, str(error)) from None
        return values


async def _identify(hub: Hub, request: Request) -> Identity:
    """Who asks. A session's cookie counts where a page of another site cannot have sent the request with it."""
    moment = await hub.turn()
    if authorization(request):
        return await identify(hub, request, moment)
    if request.method in ("GET", "HEAD") or is_ours(request, request.headers.get(HEADER, "")):
        return await identify_session(hub, read_cookie(request, SESSION))
    return NOBODY


def refuse(refused: Refused) -> Response:
    """An error as an answer."""
    headers = {name.decode(): value.decode() for name, value in refused.headers}
    return Response(refused.body, refused.code.status, headers, media_type=_JSON)


def _answer(request: Request, operation: Operation, found: object) -> Response:
    if found is None:
        return Response(status_code=204)
    headers = {"cache-control": "no-store"}
    if isinstance(found, Page) and found.next is not None:
        query = urlencode({**_parameters(request.scope["query_string"]), "after": found.next})
        headers["link"] = f'<{quote(request.url.path)}?{query}>; rel="next"'
    return Response(msgspec.json.encode(found), operation.status, headers, media_type=_JSON)


def _parameters(query: bytes) -> dict[str, str]:
    """The parameters of a query, each given once. Raises: Refused."""
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise Refused(BAD_REQUEST, "the query cannot be read: it is not UTF-8, percent-encoded") from None
    for name, value in pairs:
        if name in found:
            raise Refused(BAD_REQUEST, f"the parameter {name[:100]!r} is given twice")
        found[name] = value
    return found


async def _read_json(request: Request) -> bytes:
    """The body. Only JSON: a form of another site's page cannot be sent as such. Raises: Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise Refused(NOT_JSON, f"the body has to be {_JSON}, and Content-Type has to say so")
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) > _LARGEST_BODY:
            raise Refused(TOO_LARGE, f"the body has more than {_LARGEST_BODY} bytes")
    return bytes(held)
