"""What a build asks of its client when a step needs it: secrets, ssh agents, logins.

Spec: moby/buildkit, session/secrets, session/sshforward, session/auth.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from pathlib import Path

from grpclib.client import StreamStreamMethod

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.caller import Caller
from capas.errors import NotFound, Unsupported
from capas.registry.credentials import Find, Login

_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
_AGENT, _FORWARD = "/moby.sshforward.v1.SSH/CheckAgent", "/moby.sshforward.v1.SSH/ForwardAgent"
_CREDENTIALS = "/moby.filesync.v1.Auth/Credentials"
_CHUNK = 32 * 1024


class Client:
    """The client of one build, as its steps ask it. Agents get sockets in `folder`. Safe from many threads."""

    def __init__(self, caller: Caller, folder: Path) -> None:
        self._caller = caller
        self._folder = folder
        self._lock = threading.Lock()
        self._agents: dict[str, str] = {}
        self._servers: list[asyncio.Server] = []

    def find_secret(self, id: str) -> bytes | None:
        """The secret that the client has under this id."""
        try:
            return self._caller.ask(_SECRET, wire.SecretRequest(id=id), wire.SecretResponse).data
        except (NotFound, Unsupported):
            return None

    def find_agent(self, id: str) -> str | None:
        """A socket of ours behind which is the client's agent."""
        with self._lock:
            if id not in self._agents:
                try:
                    self._caller.ask(_AGENT, wire.AgentRequest(id=id), wire.Nothing)
                except (NotFound, Unsupported):
                    return None
                path = self._folder / f"agent-{len(self._agents)}"
                self._servers.append(self._caller.wait(self._listen(id, path)))
                self._agents[id] = str(path)
            return self._agents[id]

    def find_login(self) -> Find:
        """Who the client is at a registry."""

        def find(domain: str, _path: str) -> Login | None:
            host = "registry-1.docker.io" if domain == "docker.io" else domain
            try:
                found = self._caller.ask(_CREDENTIALS, wire.CredentialsRequest(host=host), wire.CredentialsResponse)
            except (NotFound, Unsupported):
                return None
            if not found.username:
                return Login(identity_token=found.secret) if found.secret else None
            return Login(found.username, found.secret)

        return find

    def close(self) -> None:
        """Let no step reach the agents any more."""
        for server in self._servers:
            self._caller.loop.call_soon_threadsafe(server.close)

    async def _listen(self, id: str, path: Path) -> asyncio.Server:
        method: StreamStreamMethod[wire.BytesMessage, wire.BytesMessage] = StreamStreamMethod(
            self._caller.session, _FORWARD, wire.BytesMessage, wire.BytesMessage
        )

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(Exception):  # the end of either side is the end of both
                await _forward(method, id, reader, writer)
            writer.close()

        return await asyncio.start_unix_server(serve, sock=_bind(path))


def _bind(path: Path) -> socket.socket:
    """A socket at a path of any length: the kernel takes 107 bytes, so that it is named from its folder."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    found = socket.socket(socket.AF_UNIX)
    try:
        found.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
    return found


async def _forward(
    method: StreamStreamMethod[wire.BytesMessage, wire.BytesMessage],
    id: str,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    async with method.open(metadata=[("buildkit.ssh.id", id)]) as stream:
        await stream.send_request()

        async def up() -> None:
            while data := await reader.read(_CHUNK):
                await stream.send_message(wire.BytesMessage(data=data))
            await stream.end()

        sending = asyncio.ensure_future(up())
        try:
            async for message in stream:
                writer.write(message.data)
                await writer.drain()
        finally:
            sending.cancel()
