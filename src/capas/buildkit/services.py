"""All services over one engine, for connections that come by a socket of their own or that others hand over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from grpclib.config import Configuration
from grpclib.health.service import Health
from grpclib.server import Server

from capas.buildkit.builds import Builds
from capas.buildkit.control import Control
from capas.buildkit.faults import Details
from capas.buildkit.gateway import Gateway
from capas.buildkit.jobs import Jobs
from capas.buildkit.sessions import Offer, Session, Sessions
from capas.engine.engine import Engine

_WINDOW = 4 << 20
_BUILDS = 32  # at once; more wait


class Services:
    """The builder of one server; to be made in the loop that serves it. Order: `close` at the end."""

    def __init__(self, engine: Engine) -> None:
        self._pool = ThreadPoolExecutor(_BUILDS, thread_name_prefix="build")
        self._sessions = Sessions()
        jobs, builds = Jobs(engine, self._pool, self._sessions), Builds()
        config = Configuration(http2_connection_window_size=_WINDOW, http2_stream_window_size=_WINDOW)
        handlers: list[Any] = [Control(jobs, builds), Gateway(jobs, builds), Health()]
        self.server = Server(handlers, status_details_codec=Details(), config=config)

    async def serve_calls(self, handed: Handed) -> None:
        """Answer calls on a connection that somebody else accepted, to its end."""
        handed.give(self.server._protocol_factory())
        await handed.lost.wait()

    async def serve_session(self, handed: Handed, headers: Iterable[tuple[str, str]]) -> None:
        """Be the client of a connection that is a session, to its end. Raises: Invalid; Conflict."""
        session = Session(Offer.read(headers))
        await self._sessions.add(session)
        try:
            handed.give(session.connect())
            await handed.lost.wait()
        finally:
            self._sessions.remove(session)

    def close(self) -> None:
        """Begin no more builds."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Handed(asyncio.Protocol):
    """A connection that another protocol had: that one hears of its end too. `begin` answers what it was asked."""

    def __init__(self, transport: asyncio.Transport, before: asyncio.BaseProtocol, begin: Callable[[], None]) -> None:
        self._transport = transport
        self._before = before
        self._begin = begin
        self._inner: asyncio.Protocol = asyncio.Protocol()
        self.lost = asyncio.Event()

    def give(self, inner: asyncio.Protocol) -> None:
        """From now on it is this protocol's."""
        self._inner = inner
        self._transport.set_protocol(self)
        self._begin()
        inner.connection_made(self._transport)

    def data_received(self, data: bytes) -> None:
        """On to who has it."""
        self._inner.data_received(data)

    def pause_writing(self) -> None:
        """The other side is slow."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It ended."""
        self._inner.connection_lost(exc)
        self._before.connection_lost(exc)
        self.lost.set()
