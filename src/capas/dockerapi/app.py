"""The Docker Engine API as an aiohttp application."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from capas.buildkit.services import Services
from capas.dockerapi import (
    attach,
    buildkit,
    builds,
    containers,
    events,
    execs,
    files,
    images,
    lives,
    logins,
    networks,
    output,
    registries,
    swarm,
    system,
    transfers,
    volumes,
    watching,
)
from capas.dockerapi.answers import answer_errors, json_answer
from capas.dockerapi.browsers import refuse_browsers
from capas.dockerapi.exec_records import Execs
from capas.dockerapi.host import HOST, Host
from capas.dockerapi.lasting import UNDER_WAY, end_conversations, finish_what_was_begun
from capas.dockerapi.versions import check_version, tell_version
from capas.dockerapi.watch import Watch
from capas.engine.engine import Engine

_THREADS = 32  # for work that ends by itself; what lasts as long as somebody likes has a thread of its own
_BODY_BYTES = 64 * 1024 * 1024  # of JSON; archives are read as they come
_AROUND = (finish_what_was_begun, answer_errors, refuse_browsers, check_version)
_ROOMS = (system, logins, registries, images, transfers, containers, lives, attach, execs, output, files, volumes,
          networks, events, builds, buildkit, watching, swarm)  # fmt: skip


async def make_app(engine: Engine) -> web.Application:
    """The application over an engine; to be called in the loop that serves it."""
    app = web.Application(middlewares=_AROUND, client_max_size=_BODY_BYTES)
    app[UNDER_WAY] = {}
    watch = Watch(engine, asyncio.get_running_loop())
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
    app[HOST] = host = Host(engine, pool, watch, Execs(), {})
    app[buildkit.BUILDER] = Services(engine)
    for room in _ROOMS:
        for method, path, handler in room.ROUTES:
            app.router.add_route(method, path, handler)
            app.router.add_route(method, "/v{version:\\d+\\.\\d+}" + path, handler)
    app.router.add_route("*", "/{path:.*}", _nothing)
    await host.hop(engine.containers.start_wanted)
    await host.hop(watch.find_running)
    app.on_response_prepare.append(tell_version)
    app.on_shutdown.append(end_conversations)
    app.on_cleanup.append(_close)
    return app


async def _nothing(_request: web.Request) -> web.Response:
    return json_answer({"message": "page not found"}, 404)


async def _close(app: web.Application) -> None:
    app[buildkit.BUILDER].close()
    app[HOST].pool.shutdown(wait=False, cancel_futures=True)
