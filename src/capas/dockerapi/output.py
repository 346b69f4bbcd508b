"""What containers printed: logs, from the file, followed by polling it, so that no reader holds up anybody."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from capas.dockerapi.host import Host, Route, flag, host_of
from capas.dockerapi.raw import STDERR, STDOUT, Raw, frame
from capas.dockerapi.stream import Emit, stream
from capas.errors import Invalid
from capas.run.containers import Container
from capas.run.logs import LogLine
from capas.run.times import format_time

_STREAMS = {"stdout": STDOUT, "stderr": STDERR}


async def logs(request: web.Request) -> web.StreamResponse:
    """GET /containers/{id}/logs."""
    host = host_of(request)
    wanted = _wanted(request)
    if not wanted:
        raise Invalid("Bad parameters: you must choose at least one stream")
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    tty = container.record.spec.tty
    lines = _lines(host, container, request, follow=flag(request, "follow"))
    stamped = flag(request, "timestamps")

    def work(emit: Emit) -> None:
        for line in lines:
            if line.stream in wanted:
                emit(_render(line, stamped=stamped, tty=tty))

    kind = "raw" if tty else "multiplexed"
    return await stream(request, work, content_type=f"application/vnd.docker.{kind}-stream")


async def send_log(host: Host, container: Container, raw: Raw, request: web.Request) -> None:
    """What is there already, to a client that attaches with `logs=1`."""
    wanted, tty = _wanted(request), container.record.spec.tty

    def collect() -> list[bytes]:
        lines = host.engine.containers.logs(container.record.id)
        return [_render(line, stamped=False, tty=tty) for line in lines if line.stream in wanted]

    for data in await host.hop(collect):
        raw.writer.write(data)
    await raw.writer.drain()


def _lines(host: Host, container: Container, request: web.Request, *, follow: bool) -> Iterator[LogLine]:
    tail = request.query.get("tail", "all")
    return host.engine.containers.logs(
        container.record.id, follow=follow, tail=int(tail) if tail.isdigit() else None,
        since=_moment(request, "since"), until=_moment(request, "until"),
    )  # fmt: skip


def _moment(request: web.Request, name: str) -> str:
    text = request.query.get(name, "")
    return "" if text in ("", "0") else text


def _wanted(request: web.Request) -> set[str]:
    return {name for name in _STREAMS if flag(request, name)}


def _render(line: LogLine, *, stamped: bool, tty: bool) -> bytes:
    text = f"{format_time(line.time_ns)} {line.text}" if stamped else line.text
    data = text.encode("utf-8", "surrogateescape")
    return data if tty else frame(_STREAMS[line.stream], data)


ROUTES: list[Route] = [("GET", "/containers/{id}/logs", logs)]
