"""Serving the control API on a unix socket until a signal stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from grpclib.config import Configuration
from grpclib.health.service import Health
from grpclib.server import Server

from capas.buildkit.builds import Builds
from capas.buildkit.control import Control
from capas.buildkit.faults import Details
from capas.buildkit.gateway import Gateway
from capas.buildkit.listening import listen_unix, path_of
from capas.buildkit.sessions import Sessions
from capas.engine.engine import Engine

_BUILDS = 32  # at once
_WINDOW = 4 << 20
_STOP_SECONDS = 5.0


def make_server(engine: Engine, pool: ThreadPoolExecutor) -> Server:
    """The services over an engine; to be called in the loop that serves them."""
    builds, sessions = Builds(), Sessions()
    config = Configuration(http2_connection_window_size=_WINDOW, http2_stream_window_size=_WINDOW)
    services: list[Any] = [Control(engine, pool, builds, sessions), Gateway(builds), Health()]
    return Server(services, status_details_codec=Details(), config=config)


def serve(engine: Engine, addresses: Sequence[str], *, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve on `unix://PATH` addresses until SIGTERM or SIGINT. Blocks; main thread only.

    Raises: Invalid for an address that is none; Conflict for a socket in use; Denied.
    """
    asyncio.run(_serve(engine, addresses, ready))


async def _serve(engine: Engine, addresses: Sequence[str], ready: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    with ThreadPoolExecutor(_BUILDS, thread_name_prefix="build") as pool:
        servers = []
        paths = []
        for address in addresses:
            path = path_of(address)
            servers.append(server := make_server(engine, pool))
            await server.start(sock=listen_unix(path))
            paths.append(path)
            ready(address)
        await stopped.wait()
        for server in servers:
            server.close()
        for server in servers:
            await asyncio.wait_for(server.wait_closed(), _STOP_SECONDS)
        for path in paths:
            path.unlink(missing_ok=True)
