"""Connections taken over: after the answer's head the bytes go both ways as they are ("hijacking").

Spec: Docker Engine API, "ContainerAttach": without a terminal each piece has a head of 8 bytes, the stream's number
(1 stdout, 2 stderr), three zeros, and the length, big-endian.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import NamedTuple

from aiohttp import web

from capas.run.keys import DEFAULT, DetachKeys, parse_keys
from capas.run.pipes import DROPPED

_CHUNK = 64 * 1024


class Raw(NamedTuple):
    """Both directions of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def close(self) -> None:
        """Send what is left and end it."""
        try:
            await self.writer.drain()
            if self.writer.can_write_eof():
                self.writer.write_eof()
            self.writer.close()
        except (OSError, RuntimeError):
            return


class _Taken(asyncio.StreamReaderProtocol):
    """Reads for us; whom the connection was taken from hears of its end."""

    def __init__(self, reader: asyncio.StreamReader, before: asyncio.BaseProtocol) -> None:
        super().__init__(reader)
        self._before = before

    def connection_lost(self, exc: Exception | None) -> None:
        """It ended."""
        super().connection_lost(exc)
        self._before.connection_lost(exc)


def take_over(request: web.Request, *, multiplexed: bool) -> Raw:
    """The connection of a request, its head answered: 101 where the client asked to upgrade, else 200."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_CHUNK, loop=loop)
    protocol = _Taken(reader, request.protocol)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    kind = "multiplexed" if multiplexed else "raw"
    upgrade = "upgrade" in request.headers.get("Connection", "").lower()
    line = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else "HTTP/1.1 200 OK\r\n"
    writer.write(f"{line}Content-Type: application/vnd.docker.{kind}-stream\r\n\r\n".encode())
    return Raw(reader, writer)


def frame(stream: int, data: bytes) -> bytes:
    """A piece of a multiplexed stream."""
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


async def copy_out(fds: Iterable[tuple[int, int]], raw: Raw, *, multiplexed: bool) -> None:
    """What comes from pipes, each with its stream's number, to the client; until all have ended. Closes them.

    A stream of the number DROPPED is read, and not for the client.
    """
    await asyncio.gather(*(_copy(fd, stream, raw, multiplexed) for fd, stream in fds))


async def _copy(fd: int, stream: int, raw: Raw, multiplexed: bool) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_CHUNK, loop=loop)
    file = os.fdopen(fd, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), file)
    try:
        while data := await reader.read(_CHUNK):
            if stream == DROPPED:
                continue
            raw.writer.write(frame(stream, data) if multiplexed else data)
            await raw.writer.drain()
    except (ConnectionError, OSError):
        return
    finally:
        transport.close()


async def copy_in(raw: Raw, fd: int, keys: bytes = b"") -> bool:
    """What the client sends, to a pipe, until it sends no more or the detach keys: then True. Closes the pipe."""
    typed = DetachKeys(keys)
    pipe = await _open_pipe(fd)
    try:
        while data := await raw.reader.read(_CHUNK):
            data, detached = typed.look(data)
            if data:
                pipe.write(data)
                await pipe.drain()  # a container that does not read holds up its own client alone
            if detached:
                return True
    except (ConnectionError, OSError):
        pass
    finally:
        pipe.close()
    return False


async def _open_pipe(fd: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    file = os.fdopen(fd, "wb", buffering=0)
    reader = asyncio.StreamReader(loop=loop)
    transport, protocol = await loop.connect_write_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), file)
    return asyncio.StreamWriter(transport, protocol, reader, loop)


def detach_keys(text: str | None, *, tty: bool) -> bytes:
    """By which a client leaves a terminal: those that it named, or docker's. Raises: Invalid."""
    return parse_keys(text or DEFAULT) if tty else b""
