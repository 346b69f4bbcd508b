"""Serving the API on sockets until a signal stops it. Containers go on without it."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from capas.dockerapi.app import make_app
from capas.engine.engine import Engine
from capas.errors import Conflict, Invalid

_STOP_SECONDS = 5.0
_MODE = 0o660


class Tls(NamedTuple):
    """Certificates of a TCP address. With `ca` clients have to show one too."""

    certificate: Path
    key: Path
    ca: Path | None = None


def serve(
    engine: Engine, hosts: Sequence[str], *, tls: Tls | None = None, ready: Callable[[str], None] = lambda host: None
) -> None:
    """Serve on `unix://PATH` and `tcp://HOST:PORT` addresses until SIGTERM or SIGINT. Blocks; main thread only.

    Raises: Invalid for an address that is none; Conflict for a socket in use; Denied.
    """
    asyncio.run(_serve(engine, hosts, tls, ready))
    os._exit(0)  # threads that follow logs and wait for ends have nobody left to tell, and would hold us up


async def _serve(engine: Engine, hosts: Sequence[str], tls: Tls | None, ready: Callable[[str], None]) -> None:
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
                sockets.append(await _listen_unix(runner, Path(place)))
            elif scheme == "tcp" and place:
                await _listen_tcp(runner, place, tls)
            else:
                raise Invalid("not an address to serve on: {host!r}", host=host[:200],
                              hint="write unix:///run/capas/docker.sock or tcp://127.0.0.1:2376")  # fmt: skip
            ready(host)
        await stopped.wait()
    finally:
        await runner.cleanup()
        for path, inode in sockets:
            if path.exists() and path.stat().st_ino == inode:  # not of the server that follows us
                path.unlink()


async def _listen_unix(runner: web.AppRunner, path: Path) -> tuple[Path, int]:
    """A socket for its owner and group alone. One that nobody answers on is left of a dead server, and goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise Conflict("{path} is there and is no socket", path=path)
        try:
            _, writer = await asyncio.open_unix_connection(str(path))
        except OSError:
            path.unlink()
        else:
            writer.close()
            raise Conflict("another server answers on {path}", path=path)
    before = os.umask(0o777 & ~_MODE)
    try:
        await web.UnixSite(runner, str(path)).start()
    finally:
        os.umask(before)
    return path, path.stat().st_ino


async def _listen_tcp(runner: web.AppRunner, place: str, tls: Tls | None) -> None:
    host, _, port = place.rpartition(":")
    if not port.isdigit():
        raise Invalid("not an address: {place!r}", place=place[:200], hint="write tcp://host:port")
    if tls is None and host not in ("127.0.0.1", "localhost", "[::1]"):
        raise Invalid(
            "whoever reaches {host} without TLS owns this machine",
            host=host,
            hint="give --tlscert, --tlskey and --tlscacert",
        )
    await web.TCPSite(runner, host.strip("[]"), int(port), ssl_context=_context(tls) if tls else None).start()


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.ca is not None:
        context.load_verify_locations(tls.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
