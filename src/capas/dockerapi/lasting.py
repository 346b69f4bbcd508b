"""How long a request is worked on: what only tells ends with its client, what changes something is done to its end.

And when the server ends, what lasts as long as a client listens does not hold it up.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from capas.dockerapi.answers import Handler

UNDER_WAY = web.AppKey("under_way", dict[asyncio.Future[web.StreamResponse], web.Request])


@web.middleware
async def finish_what_was_begun(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Goes around a handler."""
    work = asyncio.ensure_future(handler(request))
    under_way = request.app[UNDER_WAY]
    under_way[work] = request
    work.add_done_callback(under_way.pop)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if _only_tells(request):
            work.cancel()
        work.add_done_callback(_forget)
        raise


async def end_conversations(app: web.Application) -> None:
    """Let go of who listens: the server ends. Other requests have their time to finish."""
    for work, request in list(app[UNDER_WAY].items()):
        if _only_tells(request) or "Upgrade" in request.headers or request.path.endswith("/attach"):
            work.cancel()


def _only_tells(request: web.Request) -> bool:
    return request.method in ("GET", "HEAD") or request.path.endswith("/wait")


def _forget(work: asyncio.Future[web.StreamResponse]) -> None:
    if not work.cancelled():
        work.exception()  # nobody is there to be told
