"""TLS whose two directions end apart: docker's client ends its input with a `close_notify` and goes on to read.

asyncio's own ends both then, and what a container had still to say would be lost. So the connection is decrypted here
and goes on to the application through a pair of sockets, which has ends of its own for each direction.

Spec: RFC 8446, 6.1 ("This does not have any effect on its read side of the connection").
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from capas.errors import Invalid

_CHUNK = 64 * 1024
_PATIENCE_SECONDS = 30.0


class Tls(NamedTuple):
    """Certificates of the TCP addresses. With `ca` clients have to show one of its, too."""

    certificate: Path
    key: Path
    ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """For a server. Raises: Invalid for files that are none of these."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.options |= ssl.OP_NO_RENEGOTIATION  # so that writing never has to read
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.ca is not None:
                context.load_verify_locations(self.ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            raise Invalid("the certificates cannot be used: {why}", why=str(error),
                          hint="--tlscert, --tlskey and --tlscacert are PEM files") from None  # fmt: skip
        return context


async def serve_tls(
    listener: socket.socket, context: ssl.SSLContext, application: Callable[[], asyncio.Protocol]
) -> asyncio.Server:
    """Hand each connection that can be trusted to the application."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Session(reader, writer, context).run(application)
        except (OSError, TimeoutError, ssl.SSLError):
            pass  # the client is gone, or was not the right one, and has been told
        finally:
            writer.close()

    return await asyncio.start_server(serve, sock=listener)


class _Session:
    """One connection: `reader` and `writer` are the encrypted side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
        self._reader, self._writer = reader, writer
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_side=True)

    async def run(self, application: Callable[[], asyncio.Protocol]) -> None:
        """Until the client leaves or the application has no more to say."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._shake_hands()
        ours, theirs = socket.socketpair()
        await asyncio.get_running_loop().connect_accepted_socket(application, theirs)
        reader, writer = await asyncio.open_connection(sock=ours)
        tasks = [asyncio.ensure_future(self._take(writer)), asyncio.ensure_future(self._give(reader))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            writer.close()

    async def _shake_hands(self) -> None:
        while True:
            try:
                return self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                self._came.write(await self._more())
            finally:
                await self._flush()  # the reason of a refusal, too

    async def _more(self) -> bytes:
        data = await self._reader.read(_CHUNK)
        if not data:
            raise ConnectionResetError
        return data

    async def _flush(self) -> None:
        self._writer.write(self._goes.read())
        await self._writer.drain()

    async def _take(self, writer: asyncio.StreamWriter) -> None:
        """What the client says; after its last word until it is gone altogether."""
        while True:
            while (plain := self._read()) is not None:
                if not plain:
                    writer.write_eof()
                    break
                writer.write(plain)
            await writer.drain()
            self._came.write(await self._more())

    def _read(self) -> bytes | None:
        """Nothing (b"") where it has said its last word, None where more has to come before it can be read."""
        try:
            return self._tls.read(_CHUNK)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return b""

    async def _give(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(_CHUNK):
            self._tls.write(data)
            await self._flush()
        try:
            self._tls.unwrap()  # our last word
        except ssl.SSLError:
            pass  # the client's is still to come, and nobody waits for it
        await self._flush()
