"""Where the API is served: unix sockets for their owner and one group, TCP with certificates."""

from __future__ import annotations

import asyncio
import grp
import os
import socket
import stat
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from capas.dockerapi.tls import Tls, serve_tls
from capas.errors import Conflict, Denied, Invalid, NotFound, Unavailable

_MODE = 0o660
_BACKLOG = 512


class Doors(NamedTuple):
    """How addresses are served: the group of unix sockets, the certificates of TCP, or none (`open_to_all`)."""

    group: str = ""
    tls: Tls | None = None
    open_to_all: bool = False


async def listen_unix(runner: web.AppRunner, path: Path, group: str) -> int:
    """A socket for its owner and group alone; its inode. One that nobody answers on is left of a dead server, and goes.

    Raises: Conflict; NotFound for a group that is not there; Denied.
    """
    number = _find_group(group)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        await _clear(path)
        before = os.umask(0o777 & ~_MODE)
        try:
            await web.UnixSite(runner, str(path), backlog=_BACKLOG).start()
        finally:
            os.umask(before)
        if number is not None:
            os.chown(path, -1, number)
        return path.stat().st_ino
    except PermissionError as error:
        raise Denied("may not serve on {path}: {why}", path=path, why=error.strerror or "") from None
    except OSError as error:
        raise Invalid("cannot serve on {path}: {why}", path=path, why=error.strerror or str(error)) from None


def _find_group(name: str) -> int | None:
    if not name:
        return None
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise NotFound("there is no group {group} on this machine", group=name[:100],
                       hint="make it: groupadd {group}") from None  # fmt: skip


async def _clear(path: Path) -> None:
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise Conflict("{path} is there and is no socket", path=path)
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except ConnectionRefusedError:
        path.unlink()
    else:
        writer.close()
        raise Conflict("another server answers on {path}", path=path)


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
