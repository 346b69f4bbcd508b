"""A client's session, scripted: `with offering(handlers) as caller`. Its services answer on a socket pair."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from grpclib.const import Cardinality, Handler
from grpclib.server import Server, Stream

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.caller import Caller
from capas.buildkit.sessions import Offer, Session

Packet = wire.Packet
DIRECTORY, SYMLINK, DEVICE = 1 << 31, 1 << 27, 1 << 26


class Service:
    """Methods by address."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)

    def __mapping__(self) -> dict[str, Handler]:
        return self._handlers


@contextmanager
def offering(handlers: Mapping[str, Handler]) -> Iterator[Caller]:
    """A session that offers these, as a thread of a build has it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    ours, theirs = socket.socketpair()

    async def connect() -> Session:
        server = Server([Service(handlers)])
        await loop.connect_accepted_socket(server._protocol_factory, theirs)
        session = Session(Offer("scripted", "", frozenset(name.lower() for name in handlers)))
        await loop.create_unix_connection(session.connect, sock=ours)
        return session

    session = asyncio.run_coroutine_threadsafe(connect(), loop).result(10)
    try:
        yield Caller(session, loop)
    finally:
        asyncio.run_coroutine_threadsafe(_leave(session), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        ours.close()
        theirs.close()


async def _leave(session: Session) -> None:
    session.end()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0)


def both_ways(work: Callable[[Stream[Any, Any]], Any], kind: type[Any] = Packet) -> Handler:
    """A handler of a conversation."""
    return Handler(work, Cardinality.STREAM_STREAM, kind, kind)


class Files:
    """A directory that a client sends: entries, and what the files hold; `asked` are the paths that were asked for."""

    def __init__(self, entries: Sequence[wire.Stat], contents: Mapping[bytes, bytes] | None = None) -> None:
        self.entries = entries
        self.contents = contents or {}
        self.asked: list[bytes] = []

    async def send(self, stream: Stream[Any, Any]) -> None:
        """As fsutil does."""
        for entry in self.entries:
            await stream.send_message(Packet(type=Packet.STAT, stat=entry))
        await stream.send_message(Packet(type=Packet.STAT))
        async for packet in stream:
            if packet.type == Packet.FIN:
                await stream.send_message(Packet(type=Packet.FIN))
                return
            path = self.entries[packet.id].path
            self.asked.append(path)
            if data := self.contents.get(path, b""):
                await stream.send_message(Packet(type=Packet.DATA, id=packet.id, data=data))
            await stream.send_message(Packet(type=Packet.DATA, id=packet.id))


def file(
    path: bytes, size: int = 0, mode: int = 0o644, time_ns: int = 1_000_000_000, linkname: bytes = b""
) -> wire.Stat:
    """A file, or another name of one."""
    return wire.Stat(path=path, mode=mode, size=size, mod_time=time_ns, linkname=linkname)


def folder(path: bytes, mode: int = 0o755) -> wire.Stat:
    """A directory."""
    return wire.Stat(path=path, mode=DIRECTORY | mode)


def link(path: bytes, target: bytes) -> wire.Stat:
    """A symbolic link."""
    return wire.Stat(path=path, mode=SYMLINK | 0o777, linkname=target)
