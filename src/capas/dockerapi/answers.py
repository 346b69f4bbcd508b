"""Answers: JSON as docker writes it, and our kinds of error as its statuses.

Spec: Docker Engine API, "Errors": `{"message": …}` with the status.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from capas import errors
from capas.dockerapi.wording import Worded, message_of
from capas.errors import CapasError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATUSES: tuple[tuple[type[CapasError], int], ...] = (
    (errors.Invalid, 400),
    (errors.Unauthenticated, 401),
    (errors.Denied, 403),
    (errors.NotFound, 404),
    (errors.AlreadyExists, 409),
    (errors.Conflict, 409),
    (errors.Unsupported, 501),
    (errors.Unavailable, 503),
    (errors.Exhausted, 507),
)


def json_answer(document: object, status: int = 200) -> web.Response:
    """A document."""
    return web.Response(body=msgspec.json.encode(document) + b"\n", status=status, content_type="application/json")


def status_of(error: CapasError) -> int:
    """The status that docker gives this kind of error."""
    if isinstance(error, Worded):
        return error.status
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


class Taken(web.StreamResponse):
    """The answer of a handler that has spoken for itself, or of a client that is gone."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: it was sent."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: it was sent."""


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What a handler raises, in docker's form."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return json_answer({"message": error.text or error.reason}, error.status)
    except CapasError as error:
        return json_answer({"message": message_of(error)}, status_of(error))
    except ConnectionError as error:  # the client left in the middle of its answer
        error.__traceback__ = None  # the frames in it hold what was to be sent, in a circle
        return Taken()
    except Exception:
        logging.getLogger("capas.dockerapi").exception("%s %s", request.method, request.path)
        return json_answer({"message": "something unexpected went wrong in Capas: see its log"}, 500)
