"""Requests and answers: the thin layer between ASGI's messages and the handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

BATCH_BYTES = 1024 * 1024
_DRAIN_BYTES = 8 * 1024 * 1024


class Disconnected(Exception):
    """The client left before its request was whole."""


class Request:
    """One request. The body is read once, forward."""

    __slots__ = ("_ended", "_query", "_receive", "method", "path", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self._receive = receive
        self._query: dict[str, str] | None = None
        self._ended = False

    def header(self, name: bytes) -> str:
        """The first header of this lower-case name, or an empty string."""
        for key, value in self.scope["headers"]:
            if key == name:
                return bytes(value).decode("latin-1")
        return ""

    def param(self, name: str) -> str | None:
        """A parameter of the query."""
        if self._query is None:
            self._query = dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        return self._query.get(name)

    @property
    def length(self) -> int | None:
        """The body's size in bytes where the client said it."""
        text = self.header(b"content-length")
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def ended(self) -> bool:
        """Whether the whole body was read."""
        return self._ended

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """The body in lists of pieces, each list about BATCH_BYTES, the last one shorter.

        Raises: Disconnected, after a list of what came before the client left.
        """
        pieces: list[bytes] = []
        held = 0
        while not self._ended:
            try:
                piece = await self._next()
            except Disconnected:
                if pieces:
                    yield pieces
                raise
            if piece:
                pieces.append(piece)
                held += len(piece)
            if held >= BATCH_BYTES:
                yield pieces
                pieces, held = [], 0
        if pieces:
            yield pieces

    async def read(self, limit: int) -> bytes | None:
        """The whole body, None where it has more than `limit` bytes. Raises: Disconnected."""
        if (self.length or 0) > limit:
            return None
        pieces: list[bytes] = []
        held = 0
        while not self._ended and held <= limit:
            piece = await self._next()
            pieces.append(piece)
            held += len(piece)
        return b"".join(pieces) if held <= limit else None

    async def drain(self) -> None:
        """Read a little of what nobody wanted, so that a client still sending gets to see its refusal."""
        held = 0
        while not self._ended and held < _DRAIN_BYTES:
            held += len(await self._next())

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            raise Disconnected
        self._ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))


class Answer(NamedTuple):
    """What goes back. `path` is a file to send whole; `pieces` a body made as it goes."""

    status: int
    headers: list[Header]
    body: bytes = b""
    path: str | None = None
    pieces: AsyncIterator[bytes] | None = None


def header(name: str, value: object) -> Header:
    """A header as bytes."""
    return name.encode("latin-1"), str(value).encode("latin-1")


def search_near(repository: str) -> Header:
    """Where names like this one are found: our client asks there. Spec: RFC 8288; IANA, relation "search"."""
    words = repository.removeprefix("library/")  # said by nobody, and in every official name
    return header("link", f'</api/v1/search?q={quote(words)}&limit=3>; rel="search"')


API = header("docker-distribution-api-version", "registry/2.0")


async def send_answer(send: Send, answer: Answer) -> None:
    """Send an answer by ASGI's messages."""
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, API]})
    if answer.path is not None:
        await send({"type": "http.response.pathsend", "path": answer.path})
        return
    if answer.pieces is not None:
        async for piece in answer.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
