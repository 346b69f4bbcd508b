"""Where the API is served: unix sockets for their owner and one group, TCP with certificates."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from capas.dockerapi.tls import Tls, serve_tls
from capas.errors import Denied, Invalid, Unavailable
from capas.sockets import listen_unix

_BACKLOG = 512


class Doors(NamedTuple):
    """How addresses are served: the group of unix sockets, the certificates of TCP, or none (`open_to_all`)."""

    group: str = ""
    tls: Tls | None = None
    open_to_all: bool = False


async def serve_unix(runner: web.AppRunner, path: Path, group: str) -> int:
    """A socket for its owner and group alone; its inode. Raises: as `listen_unix`."""
    await web.SockSite(runner, listen_unix(path, group), backlog=_BACKLOG).start()
    return path.stat().st_ino


async def listen_tcp(runner: web.AppRunner, place: str, doors: Doors) -> str:
    """`HOST:PORT`, as it came to be. Raises: Invalid; Denied without certificates beyond this machine; Unavailable."""
    host, _, port = place.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdigit() or int(port) > 65_535:
        raise Invalid("not an address: {place!r}", place=place[:200], hint="write tcp://HOST:PORT")
    if doors.tls is None and not doors.open_to_all and not is_loopback(host):
        raise Denied("whoever reaches {host} without TLS owns this machine", host=host,
                     hint="give --tlsverify, --tlscacert, --tlscert and --tlskey, or say --tls=false")  # fmt: skip
    context = doors.tls.context() if doors.tls else None
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise Unavailable("cannot serve on {place}: {why}", place=place, why=error.strerror or str(error)) from None
    if context is None:
        await web.SockSite(runner, listener, backlog=_BACKLOG).start()
    else:
        assert runner.server is not None
        await serve_tls(listener, context, runner.server)
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{listener.getsockname()[1]}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
