"""Sessions: what clients offer to their builds (files, secrets, logins), over connections on which we are the client.

Spec: moby/buildkit, session: the headers `x-docker-expose-session-*` say whose it is and which methods it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from grpclib.client import Channel, Handler
from grpclib.config import Configuration
from grpclib.protocol import H2Protocol
from h2.errors import ErrorCodes
from h2.events import StreamEnded, StreamReset

from capas.errors import Conflict, Invalid, NotFound

_PREFIX = "x-docker-expose-session-"
_PATIENCE_SECONDS = 15.0
_WINDOW = 4 << 20


class Offer(NamedTuple):
    """Who a session is. `methods` are addresses like `/moby.filesync.v1.FileSync/DiffCopy`, in small letters."""

    id: str
    shared_key: str = ""
    methods: frozenset[str] = frozenset()

    @classmethod
    def read(cls, headers: Iterable[tuple[str, str]]) -> Offer:
        """Of the headers of the request that opens it. Raises: Invalid."""
        pairs = [(key.lower().removeprefix(_PREFIX), value) for key, value in headers]
        known = dict(pairs)
        if not known.get("uuid"):
            raise Invalid("a session needs an id", hint="it comes in the header {header}", header=_PREFIX + "uuid")
        methods = frozenset(value.lower() for key, value in pairs if key == "grpc-method")
        return cls(known["uuid"], known.get("sharedkey", ""), methods)


class _Protocol(H2Protocol):
    """grpclib's, but for a server that resets a stream which it has answered in full: nothing is wrong then.

    Spec: RFC 9113, section 8.1: RST_STREAM with NO_ERROR after a complete response.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        whole: set[int] = set()
        end, reset = self.processor.process_stream_ended, self.processor.process_stream_reset

        def end_noted(event: StreamEnded) -> None:
            whole.add(event.stream_id)
            end(event)

        def reset_if_wrong(event: StreamReset) -> None:
            if event.stream_id in whole and event.error_code == ErrorCodes.NO_ERROR:
                whole.discard(event.stream_id)
            else:
                reset(event)

        self.processor.processors |= {StreamEnded: end_noted, StreamReset: reset_if_wrong}


class Session(Channel):
    """A channel to a client on a connection that it opened itself. Order: `connect`, calls, `end`."""

    def __init__(self, offer: Offer) -> None:
        config = Configuration(http2_connection_window_size=_WINDOW, http2_stream_window_size=_WINDOW)
        super().__init__("localhost", config=config)
        self.offer = offer
        self.ended = asyncio.Event()
        self._made: H2Protocol | None = None

    def connect(self, transport: asyncio.Transport | None = None) -> H2Protocol:
        """The protocol that speaks for it; with a transport it has begun."""
        self._made = _Protocol(Handler(), self._config, self._h2_config)
        if transport is not None:
            self._made.connection_made(transport)
        return self._made

    def supports(self, method: str) -> bool:
        """Whether the client has this method."""
        return method.lower() in self.offer.methods

    def end(self) -> None:
        """It is over: calls under way fail. Idempotent."""
        self.ended.set()
        if self._made is not None:
            self._made.connection_lost(None)
        self.close()

    async def _create_connection(self) -> H2Protocol:
        if self._made is None or self.ended.is_set():
            raise ConnectionResetError("the client's session has ended")
        return self._made


class Sessions:
    """The sessions that are open, by id. All its methods belong to the event loop."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}
        self._news = asyncio.Condition()

    async def add(self, session: Session) -> None:
        """From now on it can be found. Raises: Conflict for an id that is taken."""
        if session.offer.id in self._open:
            raise Conflict("there is a session {id} already", id=session.offer.id[:100])
        async with self._news:
            self._open[session.offer.id] = session
            self._news.notify_all()

    def remove(self, session: Session) -> None:
        """It ended."""
        if self._open.get(session.offer.id) is session:
            del self._open[session.offer.id]
        session.end()

    async def get(self, id: str) -> Session:
        """A session, which may be a moment behind the request that names it. Raises: NotFound."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._news:
                await self._news.wait_for(lambda: id in self._open)
                return self._open[id]
        except TimeoutError:
            raise NotFound("there is no session {id}", id=id[:100]) from None
