"""How containers live: start, stop, restart, kill, wait, resize, commit."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from capas.dockerapi.answers import json_answer, status_of
from capas.dockerapi.host import Host, Route, flag, host_of, json_body, whole
from capas.dockerapi.telling import tell_image
from capas.dockerapi.wording import Worded, message_of, start_failure
from capas.errors import CapasError, Conflict, NotFound
from capas.run.containers import Container
from capas.run.signals import parse_signal
from capas.run.streams import Attached

_NOBODY = Attached()


async def start(request: web.Request) -> web.Response:
    """POST /containers/{id}/start: 304 for one that runs."""
    host = host_of(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    if container.running:
        return web.Response(status=304)
    await start_container(host, container)
    return web.Response(status=204)


async def start_container(host: Host, container: Container) -> None:
    """Start it, joined to the clients that wait for it. Raises: as `Containers.start`."""
    waiting = host.waiting.pop(container.record.id, [])
    first, rest = (waiting[0], waiting[1:]) if waiting else (_NOBODY, [])
    try:
        await host.hop(_begin, host, container, first)
        for attached in rest:
            await host.hop(host.engine.containers.attach, container.record.id, attached)
    finally:
        for attached in waiting:
            attached.close()


def _begin(host: Host, container: Container, attached: Attached) -> None:
    """Without delay between the start and the watch: one that removes itself takes its exit code along."""
    _start(host, container, attached)
    host.watch.tell_networks("connect", container)
    host.watch.tell_volumes("mount", container)
    host.watch.tell_container("start", container)
    host.watch.started(container)


def _start(host: Host, container: Container, attached: Attached) -> None:
    """Raises: Worded, in the words by which docker's client knows a command that is missing or forbidden."""
    try:
        host.engine.containers.start(container.record.id, attached)
    except CapasError as error:
        if "port" in error.facts:
            words = f"driver failed programming external connectivity on endpoint {container.record.name}"
            raise Worded(500, f"{words} ({container.record.id}): {message_of(error)}") from None
        command = container.record.spec.command[:1]
        raise start_failure(error, host.engine.runtime.name, "".join(command)) from None


async def stop(request: web.Request) -> web.Response:
    """POST /containers/{id}/stop: 304 for one that does not run."""
    host = host_of(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    if not container.running:
        return web.Response(status=304)
    await _stop(host, request, container)
    return web.Response(status=204)


async def _stop(host: Host, request: web.Request, container: Container, *, returning: bool = False) -> None:
    signal = request.query.get("signal") or None
    number = parse_signal(signal or container.record.spec.stop_signal or "TERM")
    host.watch.tell_container("kill", container, signal=str(int(number)))
    await host.alone(
        host.engine.containers.stop, container.record.id, timeout=whole(request, "t"), signal=signal,
        returning=returning,
    )  # fmt: skip
    host.watch.tell_container("stop", container)


async def restart(request: web.Request) -> web.Response:
    """POST /containers/{id}/restart."""
    host = host_of(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    if container.running:
        await _stop(host, request, container, returning=True)
    await start_container(host, await host.hop(host.engine.containers.get, container.record.id))
    host.watch.tell_container("restart", container)
    return web.Response(status=204)


async def kill(request: web.Request) -> web.Response:
    """POST /containers/{id}/kill."""
    host, signal = host_of(request), request.query.get("signal") or "KILL"
    try:
        container = await host.hop(host.engine.containers.get, request.match_info["id"])
        await host.hop(host.engine.containers.kill, container.record.id, signal)
    except CapasError as error:
        words = f"cannot kill container: {request.match_info['id']}: {message_of(error)}"
        raise Worded(status_of(error), words) from None
    host.watch.tell_container("kill", container, signal=str(int(parse_signal(signal))))
    return web.Response(status=204)


async def wait(request: web.Request) -> web.StreamResponse:
    """POST /containers/{id}/wait. The head goes out at once: docker's client asks before it starts the container."""
    host, condition = host_of(request), request.query.get("condition") or "not-running"
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    code = await _wait(host, container, condition)
    await response.write(msgspec.json.encode({"StatusCode": code, "Error": None}) + b"\n")
    await response.write_eof()
    return response


async def _wait(host: Host, before: Container, condition: str) -> int:
    """The exit code, once it does not run, has ended anew (`next-exit`), or is `removed`."""
    last = before
    while True:
        try:
            last = await host.hop(host.engine.containers.get, before.record.id)
        except NotFound:
            if not host.watch.is_watching(before.record.id):
                code = host.watch.code_of(before.record.id)
                return last.state.exit_code if code is None else code
            await host.watch.change(before.record.id)
            continue
        ended_anew = last.state.finished_ns != before.state.finished_ns
        if not last.running and (condition == "not-running" or (condition == "next-exit" and ended_anew)):
            return last.state.exit_code
        await host.watch.change(before.record.id)


async def resize(request: web.Request) -> web.Response:
    """POST /containers/{id}/resize."""
    host = host_of(request)
    rows, columns = whole(request, "h") or 0, whole(request, "w") or 0
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    await host.hop(host.engine.containers.resize, container.record.id, rows, columns)
    host.watch.tell_container("resize", container, height=str(rows), width=str(columns))
    return web.Response()


async def commit(request: web.Request) -> web.Response:
    """POST /commit."""
    host, query = host_of(request), request.query
    container = await host.hop(host.engine.containers.get, query.get("container", ""))
    if container.running and not flag(request, "pause", default=True):
        raise Conflict("a running container is committed as it is: there is no way without a pause")
    repository, tag = query.get("repo", ""), query.get("tag", "")
    name = f"{repository}:{tag}" if repository and tag else repository or None
    changes = [line for text in query.getall("changes", []) for line in text.splitlines()]
    changes += _changes(await json_body(request))
    image = await host.hop(
        host.engine.containers.commit, container.record.id, name, author=query.get("author", ""),
        message=query.get("comment", ""), changes=changes,
    )  # fmt: skip
    if name:
        await host.hop(tell_image, host, "tag", str(image.id), name)
    host.watch.tell_container("commit", container, comment=query.get("comment", ""), imageID=str(image.id),
                              imageRef=name.removeprefix("docker.io/library/") if name else "")  # fmt: skip
    return json_answer({"Id": str(image.id)}, 201)


def _changes(config: dict[str, Any]) -> list[str]:
    """A config in the body says what the image is to have: as instructions, the few that clients set."""
    found = [f"ENV {one}" for one in config.get("Env") or ()]
    if config.get("Cmd"):
        found.append("CMD " + msgspec.json.encode(config["Cmd"]).decode())
    if config.get("Entrypoint"):
        found.append("ENTRYPOINT " + msgspec.json.encode(config["Entrypoint"]).decode())
    return found


ROUTES: list[Route] = [
    ("POST", "/containers/{id}/start", start),
    ("POST", "/containers/{id}/stop", stop),
    ("POST", "/containers/{id}/restart", restart),
    ("POST", "/containers/{id}/kill", kill),
    ("POST", "/containers/{id}/wait", wait),
    ("POST", "/containers/{id}/resize", resize),
    ("POST", "/commit", commit),
]
