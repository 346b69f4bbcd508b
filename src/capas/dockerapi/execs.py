"""One more process in a container: made, started, resized, inspected."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from aiohttp import web

from capas.chance import token
from capas.dockerapi.answers import Taken, json_answer
from capas.dockerapi.attach import converse
from capas.dockerapi.exec_records import Exec
from capas.dockerapi.host import Host, Route, host_of, json_body, whole
from capas.dockerapi.raw import detach_keys, frame, take_over
from capas.dockerapi.wording import Worded, exec_failure
from capas.errors import CapasError, Conflict, Invalid
from capas.run.execution import ExecSpec
from capas.run.exits import NOT_RUNNABLE
from capas.run.pipes import STDOUT, open_pipes
from capas.run.streams import Attached


async def create(request: web.Request) -> web.Response:
    """POST /containers/{id}/exec."""
    host, body = host_of(request), await json_body(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    if not container.running:
        raise Worded(409, "container {id} is not running", id=container.record.id)
    if container.state.paused:
        raise Worded(409, "Container {name} is paused, unpause the container before exec", name=container.record.name)
    one = _read(token(), container.record.id, body)
    host.execs.add(one)
    host.watch.tell_container(f"exec_create: {' '.join(one.spec.args)}", container, execID=one.id)
    return json_answer({"Id": one.id}, 201)


def _read(exec_id: str, container_id: str, body: dict[str, Any]) -> Exec:
    args = body.get("Cmd")
    if not isinstance(args, list) or not args:
        raise Invalid("No exec command specified")
    tty = bool(body.get("Tty"))
    size = body.get("ConsoleSize")
    spec = ExecSpec(
        args=tuple(map(str, args)), env=tuple(body.get("Env") or ()), user=body.get("User") or None,
        workdir=body.get("WorkingDir") or None, tty=tty, privileged=bool(body.get("Privileged")),
        console_size=(int(size[0]), int(size[1])) if size else None,
    )  # fmt: skip
    return Exec(
        exec_id, container_id, spec, stdin=bool(body.get("AttachStdin")), stdout=bool(body.get("AttachStdout")),
        stderr=bool(body.get("AttachStderr")), keys=detach_keys(body.get("DetachKeys"), tty=tty),
    )  # fmt: skip


async def start(request: web.Request) -> web.StreamResponse:
    """POST /exec/{id}/start: detached, or over the client's own connection."""
    host, body = host_of(request), await json_body(request)
    one = host.execs.get(request.match_info["id"])
    if one.begun:
        raise Conflict("exec {id} was started already", id=one.id[:12])
    one.begun = True
    size = body.get("ConsoleSize")
    if size and any(size):
        one.window.resize((int(size[0]), int(size[1])))
    if body.get("Detach"):
        await _started(host, one, Attached())
        return web.Response()
    pipes = open_pipes(stdin=one.stdin, stdout=one.stdout or one.spec.tty, stderr=one.stderr and not one.spec.tty)
    raw = take_over(request, multiplexed=not one.spec.tty)
    try:
        await _started(host, one, pipes.attached)
    except CapasError as error:  # docker has answered by now: its client reads the words, and asks for the exit code
        pipes.close()
        words = f"{exec_failure(error)}\r\n".encode()
        raw.writer.write(words if one.spec.tty else frame(STDOUT, words))
        await raw.close()
        return Taken()
    await converse(raw, pipes, multiplexed=not one.spec.tty, keys=one.keys)
    return Taken()


async def _started(host: Host, one: Exec, attached: Attached) -> None:
    """Start it in a thread of its own, which ends with it; return once it runs. Raises: what keeps it from running."""
    container = await host.hop(host.engine.containers.get, one.container_id)
    host.watch.tell_container(f"exec_start: {' '.join(one.spec.args)}", container, execID=one.id)
    loop = asyncio.get_running_loop()
    begun: asyncio.Future[None] = loop.create_future()

    def settle(error: CapasError | None = None) -> None:
        if not begun.done():
            begun.set_exception(error) if error else begun.set_result(None)

    def note(pid: int) -> None:
        one.pid, one.running = pid, True
        loop.call_soon_threadsafe(settle)

    def run() -> None:
        try:
            one.exit_code = host.engine.containers.execute(
                one.container_id, one.spec, attached, window=one.window, on_start=note
            )
        except CapasError as error:
            one.exit_code = NOT_RUNNABLE
            loop.call_soon_threadsafe(settle, error)
        finally:
            one.running = False
            attached.close()
            host.watch.tell_container("exec_die", container, execID=one.id, exitCode=str(one.exit_code))

    threading.Thread(target=run, name="docker-exec", daemon=True).start()
    await begun


async def resize(request: web.Request) -> web.Response:
    """POST /exec/{id}/resize."""
    host = host_of(request)
    one = host.execs.get(request.match_info["id"])
    await host.hop(one.window.resize, (whole(request, "h") or 0, whole(request, "w") or 0))
    return web.Response(status=200)


async def inspect(request: web.Request) -> web.Response:
    """GET /exec/{id}/json."""
    one = host_of(request).execs.get(request.match_info["id"])
    return json_answer({
        "ID": one.id, "Running": one.running, "ExitCode": one.exit_code, "ContainerID": one.container_id,
        "Pid": one.pid, "OpenStdin": one.stdin, "OpenStdout": one.stdout, "OpenStderr": one.stderr,
        "CanRemove": one.exit_code is not None, "DetachKeys": "",
        "ProcessConfig": {
            "entrypoint": one.spec.args[0], "arguments": list(one.spec.args[1:]), "tty": one.spec.tty,
            "privileged": one.spec.privileged, "user": one.spec.user or "",
        },
    })  # fmt: skip


ROUTES: list[Route] = [
    ("POST", "/containers/{id}/exec", create),
    ("POST", "/exec/{id}/start", start),
    ("POST", "/exec/{id}/resize", resize),
    ("GET", "/exec/{id}/json", inspect),
]
