"""A session as the threads of a build use it: calls that wait, and conversations in both directions."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message
from grpclib.client import Stream as ClientStream
from grpclib.client import StreamStreamMethod, UnaryUnaryMethod
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
from h2.exceptions import H2Error

from capas.buildkit.faults import kind_of
from capas.buildkit.sessions import Session
from capas.errors import CapasError, Interrupted, Unsupported

T = TypeVar("T")
Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)
Pairs = Sequence[tuple[str, str]]
_GRACE_SECONDS = 5.0  # for the end of a stream that takes nothing more
_MOST = 256  # messages that wait to be read
_GONE = (StreamTerminatedError, ProtocolError, ConnectionError, H2Error, asyncio.CancelledError, RuntimeError)


class Caller:
    """A session, from threads. Every method waits."""

    def __init__(self, session: Session, loop: asyncio.AbstractEventLoop) -> None:
        self.session = session
        self.loop = loop

    def ask(self, method: str, question: Message, answer: type[A], headers: Pairs = ()) -> A:
        """One question. Raises: Unsupported where the client has no such method; what it answers; Interrupted."""
        self.check(method)
        call: UnaryUnaryMethod[Message, A] = UnaryUnaryMethod(self.session, method, type(question), answer)
        return self.wait(call(question, metadata=list(headers)))

    def converse(self, method: str, kind: type[Q], answer: type[A], headers: Pairs = ()) -> Conversation[Q, A]:
        """A stream of both directions. Raises: as `ask`."""
        self.check(method)
        return Conversation(self, StreamStreamMethod(self.session, method, kind, answer), headers)

    def check(self, method: str) -> None:
        """Raises: Unsupported where the client has no such method."""
        if not self.session.supports(method):
            raise Unsupported("the client does not offer {method}", method=method)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in the loop. Raises: what the client answers, as an error of ours; Interrupted where it has gone."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop).result()
        except GRPCError as error:
            raise kind_of(error) from None
        except _GONE:
            raise Interrupted("the client has gone") from None


class Conversation(Generic[Q, A]):
    """A stream of both directions, as one thread holds it. `send` and `receive` in any order; `close` at the end."""

    def __init__(self, caller: Caller, method: StreamStreamMethod[Q, A], headers: Pairs) -> None:
        self._caller = caller
        self._method = method
        self._headers = headers
        self._inbox: queue.SimpleQueue[A | CapasError | None] = queue.SimpleQueue()
        self._stream: ClientStream[Q, A] | None = None
        self._opened = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._verdict: CapasError | None = None
        self._running: Future[None] = asyncio.run_coroutine_threadsafe(self._run(), caller.loop)

    def send(self, *messages: Q) -> None:
        """Send them, waiting where the other side is slow. Raises: what it ended with; Interrupted if it has gone."""
        self._do(self._send(messages))

    def end(self) -> None:
        """Nothing more is sent. Raises: as `send`."""
        self._do(self._end())

    def receive(self) -> A | None:
        """The next message; None when the other side has ended well. Raises: what it ended with."""
        message = self._inbox.get()
        if isinstance(message, CapasError):
            raise message
        if not self._room.is_set() and self._inbox.qsize() < _MOST // 2:
            self._caller.loop.call_soon_threadsafe(self._room.set)
        return message

    def close(self) -> None:
        """It is over, whoever still speaks. Idempotent."""
        self._running.cancel()

    def __enter__(self) -> Conversation[Q, A]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self._caller.wait(work)
        except Interrupted as gone:
            with contextlib.suppress(Exception):
                self._running.result(_GRACE_SECONDS)
            raise (self._verdict or gone) from None

    async def _run(self) -> None:
        try:
            async with self._method.open(metadata=list(self._headers)) as stream:
                self._stream = stream
                await stream.send_request()
                self._opened.set()
                async for message in stream:
                    self._inbox.put(message)
                    if self._inbox.qsize() >= _MOST:
                        self._room.clear()
                        if self._inbox.qsize() >= _MOST // 2:  # else the thread was quicker, and nobody would wake us
                            await self._room.wait()
                stream._end_done = True  # its answer is whole: what we still had to say is not wanted
        except GRPCError as error:
            self._verdict = kind_of(error)
        except _GONE:
            self._verdict = Interrupted("the client has gone")
        finally:
            self._opened.set()
            self._inbox.put(self._verdict)

    async def _send(self, messages: Sequence[Q]) -> None:
        stream = await self._open_stream()
        for message in messages:
            await stream.send_message(message)

    async def _end(self) -> None:
        stream = await self._open_stream()
        await stream.end()

    async def _open_stream(self) -> ClientStream[Q, A]:
        await self._opened.wait()
        if self._stream is None:
            raise ConnectionResetError
        return self._stream
