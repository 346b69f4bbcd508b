"""Serving the API on sockets until a signal stops it. Containers go on without it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from capas.dockerapi.addresses import Doors, listen_tcp, serve_unix
from capas.dockerapi.app import make_app
from capas.engine.engine import Engine
from capas.errors import Invalid
from capas.sockets import remove_unix

_STOP_SECONDS = 5.0


def serve(engine: Engine, hosts: Sequence[str], doors: Doors, ready: Callable[[str], None] = lambda host: None) -> None:
    """Serve on `unix://PATH` and `tcp://HOST:PORT` addresses until SIGTERM or SIGINT. Blocks; main thread only.

    `ready` is told each address that answers. Raises: Invalid for an address that is none; Conflict for a socket in
    use; Denied; Unavailable.
    """
    asyncio.run(_serve(engine, hosts, doors, ready))
    os._exit(0)  # threads that follow logs and wait for ends have nobody left to tell, and would hold us up


async def _serve(engine: Engine, hosts: Sequence[str], doors: Doors, ready: Callable[[str], None]) -> None:
    runner = web.AppRunner(await make_app(engine), access_log=None, shutdown_timeout=_STOP_SECONDS,
                           handler_cancellation=True)  # fmt: skip
    await runner.setup()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    sockets: list[tuple[Path, int]] = []
    try:
        for host in hosts:
            scheme, _, place = host.partition("://")
            if scheme == "unix" and place:
                sockets.append((Path(place), await serve_unix(runner, Path(place), doors.group)))
                ready(host)
            elif scheme == "tcp" and place:
                ready("tcp://" + await listen_tcp(runner, place, doors))
            else:
                raise Invalid("not an address to serve on: {host!r}", host=host[:200],
                              hint="write unix:///run/capas/docker.sock or tcp://127.0.0.1:2376")  # fmt: skip
        await stopped.wait()
    finally:
        await runner.cleanup()
        for path, inode in sockets:
            remove_unix(path, inode)
