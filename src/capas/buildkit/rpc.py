"""Handlers of gRPC out of plain functions."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from google.protobuf.message import Message
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream

from capas.buildkit.faults import call_fault
from capas.errors import CapasError

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
Headers = Mapping[str, str]


def unary(work: Callable[[Q, Headers], Awaitable[A]], question: type[Q], answer: type[A]) -> Handler:
    """A handler of one question with one answer."""

    async def handle(stream: Stream[Q, A]) -> None:
        message = await stream.recv_message()
        if message is not None:
            with _told():
                await stream.send_message(await work(message, headers_of(stream)))

    return Handler(handle, Cardinality.UNARY_UNARY, question, answer)


def streamed(work: Callable[[Q, Stream[Q, A]], Awaitable[None]], question: type[Q], answer: type[A]) -> Handler:
    """A handler of one question that sends its answers itself."""

    async def handle(stream: Stream[Q, A]) -> None:
        message = await stream.recv_message()
        if message is not None:
            with _told():
                await work(message, stream)

    return Handler(handle, Cardinality.UNARY_STREAM, question, answer)


def both_ways(work: Callable[[Stream[Q, Q]], Awaitable[None]], kind: type[Q]) -> Handler:
    """A handler of a stream in both directions, of one kind of message."""

    async def handle(stream: Stream[Q, Q]) -> None:
        with _told():
            await work(stream)

    return Handler(handle, Cardinality.STREAM_STREAM, kind, kind)


def headers_of(stream: Stream[Any, Any]) -> Headers:
    """What was sent with the call, in text; of a name that comes twice the last value."""
    return {key: value for key, value in (stream.metadata or {}).items() if isinstance(value, str)}


@contextmanager
def _told() -> Iterator[None]:
    """A block whose errors go to the client. Raises: GRPCError."""
    try:
        yield
    except CapasError as error:
        raise call_fault(error) from None
    except (GRPCError, ConnectionError):
        raise
    except Exception:
        logging.getLogger("capas.buildkit").exception("a call failed")
        raise GRPCError(Status.INTERNAL, "something unexpected went wrong in Capas: see its log") from None
