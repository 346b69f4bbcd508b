"""Requests and responses as values: what a conversation with a registry is made of."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

from capas.errors import CapasError, Corrupt
from capas.store.contract import Readable

T = TypeVar("T")
_PIECE = 256 << 10
_REST = 64 << 10  # an unread answer of at most this size is read, to keep its connection


class Body(Protocol):
    """The bytes of a response, as they come."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, as sent (never inflated); empty at the end only. Raises: Unavailable."""

    def close(self) -> None:
        """Let go of the connection: it is kept if all was read. Idempotent."""


class Upload(NamedTuple):
    """A request's body of exactly `size` bytes. `open` gives it from its first byte, again for each try."""

    open: Callable[[], Readable]
    size: int


class Request(NamedTuple):
    """One request. `after_seconds` is how long to wait before it is sent, `tries` how often it may break off."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | Upload | None = None
    after_seconds: float = 0.0
    tries: int = 5

    def with_headers(self, headers: Mapping[str, str]) -> Request:
        """With these headers besides its own."""
        return self._replace(headers={**self.headers, **headers})

    @property
    def host(self) -> str:
        """Host and port, for words and for settings."""
        return host_of(self.url)


class Response:
    """One answer. Header names are in lower case. Whoever gets it reads its body or closes it."""

    def __init__(self, status: int, headers: Mapping[str, str], body: Body, url: str) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body
        self.url = url
        self.user = ""  # of a refusal: as whom it was asked, empty for nobody in particular

    def header(self, name: str) -> str:
        """The header's value, empty where it is not there."""
        return self.headers.get(name.lower(), "")

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def data(self, limit: int) -> bytes:
        """The whole body. Raises: Corrupt where it is longer than `limit` bytes; Unavailable where it breaks off."""
        try:
            data = read_up_to(self.body, limit + 1)
        finally:
            self.body.close()
        if len(data) > limit:
            raise Corrupt("{host} answers with more than {limit} bytes", host=host_of(self.url), limit=limit)
        return data

    def discard(self) -> None:
        """Do without the body: read it if it is short, so that the connection lives on."""
        try:
            read_up_to(self.body, _REST)
        except CapasError:
            pass  # nobody wanted it
        self.body.close()


Conversation = Generator[Request, Response, T]
"""Requests out, responses in, a result at the end. Errors of the connection are thrown in as Unavailable."""


class Transport(Protocol):
    """What carries a request there and its response back."""

    def send(self, request: Request) -> Response:
        """One exchange; redirects are answers like any other. Raises: Unavailable."""

    def close(self) -> None:
        """Let go of idle connections."""


def converse(transport: Transport, conversation: Conversation[T]) -> T:
    """Lead a conversation to its end, in this thread; its result."""
    try:
        request = next(conversation)
        while True:
            try:
                response = transport.send(request)
            except CapasError as error:
                request = conversation.throw(error)
            else:
                request = conversation.send(response)
    except StopIteration as done:
        result: T = done.value
        return result


def read_up_to(stream: Readable, limit: int) -> bytes:
    """All bytes, or the first `limit`."""
    parts: list[bytes] = []
    while limit > 0 and (part := stream.read(min(limit, _PIECE))):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def host_of(url: str) -> str:
    """Host and port of an address, without user or password."""
    return urlsplit(url).netloc.rpartition("@")[2]
