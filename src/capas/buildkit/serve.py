"""Serving the control API on unix sockets until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence

from capas.buildkit.listening import listen_unix, path_of
from capas.buildkit.services import Services
from capas.engine.engine import Engine
from capas.engine.rootless import enter_if_possible

_STOP_SECONDS = 5.0


def serve(engine: Engine, addresses: Sequence[str], *, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve on `unix://PATH` addresses until SIGTERM or SIGINT. Blocks; main thread only.

    Raises: Invalid for an address that is none; Conflict for a socket in use; Denied.
    """
    enter_if_possible()  # threads come next, and a namespace is entered before them or never
    asyncio.run(_serve(engine, addresses, ready))


async def _serve(engine: Engine, addresses: Sequence[str], ready: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    services = Services(engine)
    paths = [path_of(address) for address in addresses]
    for path, address in zip(paths, addresses, strict=True):
        await services.server.start(sock=listen_unix(path))
        ready(address)
    await stopped.wait()
    services.server.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(services.server.wait_closed(), _STOP_SECONDS)
    services.close()
    for path in paths:
        path.unlink(missing_ok=True)
