"""What containers printed: logs, from the file, followed by looking at it, so that no reader holds up anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from capas.dockerapi.host import Host, Route, flag, host_of
from capas.dockerapi.raw import Raw, frame
from capas.errors import Invalid, NotFound
from capas.run.containers import Container
from capas.run.log_reader import LogLine, LogReader
from capas.run.pipes import STDERR, STDOUT
from capas.run.times import format_time

_STREAMS = {"stdout": STDOUT, "stderr": STDERR}
_BATCH = 500
_LOOK_SECONDS = 0.05


async def logs(request: web.Request) -> web.StreamResponse:
    """GET /containers/{id}/logs."""
    host = host_of(request)
    wanted = _wanted(request)
    if not wanted:
        raise Invalid("Bad parameters: you must choose at least one stream")
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    tty, stamped = container.record.spec.tty, flag(request, "timestamps")
    kind = "raw" if tty else "multiplexed"
    response = web.StreamResponse(headers={"Content-Type": f"application/vnd.docker.{kind}-stream"})
    with await _open(host, container, request) as log:
        await response.prepare(request)
        async for lines in _read(host, container, log, follow=flag(request, "follow")):
            await response.write(_render(lines, wanted, stamped=stamped, tty=tty))
        await response.write_eof()
    return response


async def send_log(host: Host, container: Container, raw: Raw, request: web.Request) -> None:
    """What is there already, to a client that attaches with `logs=1`."""
    wanted, tty = _wanted(request), container.record.spec.tty

    with await host.hop(host.engine.containers.open_log, container.record.id) as log:
        async for lines in _read(host, container, log, follow=False):
            raw.writer.write(_render(lines, wanted, stamped=False, tty=tty))
            await raw.writer.drain()


async def _open(host: Host, container: Container, request: web.Request) -> LogReader:
    tail = request.query.get("tail", "all")
    return await host.hop(
        host.engine.containers.open_log, container.record.id, tail=int(tail) if tail.isdigit() else None,
        since=_moment(request, "since"), until=_moment(request, "until"),
    )  # fmt: skip


async def _read(host: Host, container: Container, log: LogReader, *, follow: bool) -> AsyncIterator[list[LogLine]]:
    """A batch at a time, as fast as it is taken. Whoever waits for more holds no thread."""
    while True:
        living = follow and await host.hop(_runs, host, container)  # asked before reading: nothing is missed
        while lines := await host.hop(log.read, _BATCH):
            yield lines
        if not living or log.over:
            return
        await _change(host, container, log)


def _runs(host: Host, container: Container) -> bool:
    try:
        return host.engine.containers.get(container.record.id).running
    except NotFound:  # it removed itself
        return False


async def _change(host: Host, container: Container, log: LogReader) -> None:
    """Until there is more, or the container may have ended."""
    ended = asyncio.ensure_future(host.watch.change(container.record.id))
    try:
        while not ended.done() and not log.has_grown():
            await asyncio.wait({ended}, timeout=_LOOK_SECONDS)
    finally:
        ended.cancel()


def _moment(request: web.Request, name: str) -> str:
    text = request.query.get(name, "")
    return "" if text in ("", "0") else text


def _wanted(request: web.Request) -> set[str]:
    return {name for name in _STREAMS if flag(request, name)}


def _render(lines: list[LogLine], wanted: set[str], *, stamped: bool, tty: bool) -> bytes:
    return b"".join(_render_one(line, stamped=stamped, tty=tty) for line in lines if line.stream in wanted)


def _render_one(line: LogLine, *, stamped: bool, tty: bool) -> bytes:
    text = f"{format_time(line.time_ns)} {line.text}" if stamped else line.text
    data = text.encode("utf-8", "surrogateescape")
    return data if tty else frame(_STREAMS[line.stream], data)


ROUTES: list[Route] = [("GET", "/containers/{id}/logs", logs)]
