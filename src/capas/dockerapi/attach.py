"""Attaching to containers: their streams over the client's own connection."""

from __future__ import annotations

import asyncio

from aiohttp import web

from capas.dockerapi.answers import Taken
from capas.dockerapi.host import Host, Route, flag, host_of
from capas.dockerapi.output import send_log
from capas.dockerapi.raw import Raw, copy_in, copy_out, detach_keys, take_over
from capas.errors import CapasError
from capas.run.containers import Container
from capas.run.pipes import Pipes, open_pipes
from capas.run.streams import Attached

_NO_PIPES = Pipes(Attached(), None, ())


async def attach(request: web.Request) -> web.StreamResponse:
    """POST /containers/{id}/attach. To one that does not run yet the client is joined when it starts."""
    host = host_of(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    spec = container.record.spec
    keys = detach_keys(request.query.get("detachKeys"), tty=spec.tty)
    pipes = open_pipes(
        stdin=flag(request, "stdin") and spec.interactive,
        stdout=flag(request, "stdout"), stderr=flag(request, "stderr") and not spec.tty,
    ) if flag(request, "stream") else _NO_PIPES  # fmt: skip
    await _join(host, container, pipes)
    raw = take_over(request, multiplexed=not spec.tty)
    if flag(request, "logs"):
        await send_log(host, container, raw, request)
    host.watch.tell_container("attach", container)
    if await converse(raw, pipes, multiplexed=not spec.tty, keys=keys):
        host.watch.tell_container("detach", container)
    _leave(host, container, pipes)
    return Taken()


async def _join(host: Host, container: Container, pipes: Pipes) -> None:
    if not container.running:
        host.waiting.setdefault(container.record.id, []).append(pipes.attached)
        return
    try:
        await host.hop(host.engine.containers.attach, container.record.id, pipes.attached)
    except CapasError:
        pipes.close()
        raise
    finally:
        pipes.attached.close()


def _leave(host: Host, container: Container, pipes: Pipes) -> None:
    """A client that left before the container was started does not wait for it any more."""
    waiting = host.waiting.get(container.record.id, [])
    if pipes.attached in waiting:
        waiting.remove(pipes.attached)
        pipes.attached.close()


async def converse(raw: Raw, pipes: Pipes, *, multiplexed: bool, keys: bytes = b"") -> bool:
    """Carry bytes both ways until the process's streams end, or the client leaves or detaches: then True."""
    output = asyncio.ensure_future(copy_out(pipes.outputs, raw, multiplexed=multiplexed))
    if pipes.stdin is not None:
        given = asyncio.ensure_future(_feed(raw, pipes.stdin, keys))
    else:
        given = asyncio.ensure_future(_until_gone(raw))
    try:
        ends = {output, given} if pipes.outputs else {given}  # who only gives stays until there is nobody to give to
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not output.done() and not given.result():
            await output  # the client has no more to say, and still listens
        return given.done() and given.result() and not raw.writer.is_closing()
    finally:
        for task in (output, given):
            task.cancel()
        await asyncio.gather(output, given, return_exceptions=True)
        await raw.close()


async def _feed(raw: Raw, fd: int, keys: bytes) -> bool:
    detached = await copy_in(raw, fd, keys)
    return detached or raw.writer.is_closing()


async def _until_gone(raw: Raw) -> bool:
    """Whether the client is gone: what it says is not for anybody."""
    try:
        while await raw.reader.read(65_536):
            pass
    except OSError:
        return True
    return raw.writer.is_closing()


ROUTES: list[Route] = [("POST", "/containers/{id}/attach", attach)]
