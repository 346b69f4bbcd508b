"""Serving the control API on unix sockets until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from capas.buildkit.services import Services
from capas.engine.engine import Engine
from capas.engine.rootless import enter_if_possible
from capas.errors import Invalid
from capas.sockets import listen_unix, remove_unix
from capas.store.disk import make_dirs

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
    paths = [_path_of(address) for address in addresses]
    inodes = []
    for path, address in zip(paths, addresses, strict=True):
        make_dirs(path.parent)  # for us alone, where they are not there yet
        await services.server.start(sock=listen_unix(path))
        inodes.append(path.stat().st_ino)
        ready(address)
    await stopped.wait()
    services.server.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(services.server.wait_closed(), _STOP_SECONDS)
    services.close()
    for path, inode in zip(paths, inodes, strict=True):
        remove_unix(path, inode)


def _path_of(address: str) -> Path:
    """The path in `unix://PATH`. Raises: Invalid."""
    scheme, _, place = address.partition("://")
    if scheme != "unix" or not place:
        raise Invalid("not an address to serve on: {address!r}", address=address[:200], hint="write unix://PATH")
    return Path(place)
