"""Looking at running containers: top and stats; and holding them: pause, unpause, update."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from capas.clock import now_ns
from capas.dockerapi.answers import json_answer
from capas.dockerapi.container_body import limits_of, restart_of
from capas.dockerapi.host import Host, Route, flag, host_of, json_body
from capas.errors import CapasError
from capas.run.containers import Container
from capas.run.times import format_time
from capas.run.usage import Usage

_PERIOD_SECONDS = 1.0


async def top(request: web.Request) -> web.Response:
    """GET /containers/{id}/top."""
    host, options = host_of(request), request.query.get("ps_args", "-ef")
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    titles, rows = await host.hop(host.engine.containers.top, container.record.id, options)
    host.watch.tell_container("top", container)
    return json_answer({"Titles": titles, "Processes": rows})


async def stats(request: web.Request) -> web.StreamResponse:
    """GET /containers/{id}/stats: a document a second, or one (`stream=false`; `one-shot` without one before it)."""
    host = host_of(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    before = None
    if not flag(request, "stream", default=True):
        if not flag(request, "one-shot"):
            before = await host.hop(_usage, host, container)
            await asyncio.sleep(_PERIOD_SECONDS)
        return json_answer(_document(container, await host.hop(_usage, host, container), before))
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        now = await host.hop(_usage, host, container)
        await response.write(msgspec.json.encode(_document(container, now, before)) + b"\n")
        if now[0] is None and await host.hop(_is_gone, host, container):
            await response.write_eof()
            return response
        before = now
        await asyncio.sleep(_PERIOD_SECONDS)


Reading = tuple[Usage | None, int]


def _usage(host: Host, container: Container) -> Reading:
    try:
        return host.engine.containers.usage(container.record.id), now_ns()
    except CapasError:
        return None, now_ns()


def _is_gone(host: Host, container: Container) -> bool:
    try:
        host.engine.containers.get(container.record.id)
    except CapasError:
        return True
    return False


def _document(container: Container, now: Reading, before: Reading | None) -> dict[str, Any]:
    usage, at_ns = now
    earlier, earlier_ns = before or (None, 0)
    found: dict[str, Any] = {
        "read": format_time(at_ns), "preread": format_time(earlier_ns), "name": f"/{container.record.name}",
        "id": container.record.id, "num_procs": 0, "storage_stats": {},
        "cpu_stats": _cpu(usage), "precpu_stats": _cpu(earlier), "pids_stats": {}, "blkio_stats": {},
        "memory_stats": {},
    }  # fmt: skip
    if usage is not None:
        limit = {"limit": usage.processes_limit} if usage.processes_limit else {}
        found["pids_stats"] = {"current": usage.processes, **limit}
        found["memory_stats"] = {
            "usage": usage.memory, "limit": usage.memory_limit,
            "stats": {"inactive_file": usage.cache, "total_inactive_file": usage.cache},
        }  # fmt: skip
        found["networks"] = {name: one._asdict() for name, one in usage.networks.items()}
        found["blkio_stats"] = {"io_service_bytes_recursive": [
            {"major": 0, "minor": 0, "op": "read", "value": usage.read_bytes},
            {"major": 0, "minor": 0, "op": "write", "value": usage.written_bytes},
        ]}  # fmt: skip
    return found


def _cpu(usage: Usage | None) -> dict[str, Any]:
    if usage is None:
        return {"cpu_usage": {"total_usage": 0}}
    return {
        "cpu_usage": {"total_usage": usage.cpu_ns, "usage_in_kernelmode": usage.kernel_ns,
                      "usage_in_usermode": usage.user_ns},
        "system_cpu_usage": usage.system_ns, "online_cpus": usage.processors,
    }  # fmt: skip


async def pause(request: web.Request) -> web.Response:
    """POST /containers/{id}/pause."""
    host = host_of(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    await host.hop(host.engine.containers.pause, container.record.id)
    host.watch.tell_container("pause", container)
    return web.Response(status=204)


async def unpause(request: web.Request) -> web.Response:
    """POST /containers/{id}/unpause."""
    host = host_of(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    await host.hop(host.engine.containers.unpause, container.record.id)
    host.watch.tell_container("unpause", container)
    return web.Response(status=204)


async def update(request: web.Request) -> web.Response:
    """POST /containers/{id}/update: limits that the body names; the others stay."""
    host, body = host_of(request), await json_body(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    limits = limits_of(body, container.record.spec.limits)
    await host.hop(host.engine.containers.update, container.record.id, limits, restart_of(body))
    host.watch.tell_container("update", container)
    return json_answer({"Warnings": None})


ROUTES: list[Route] = [
    ("GET", "/containers/{id}/top", top),
    ("GET", "/containers/{id}/stats", stats),
    ("POST", "/containers/{id}/pause", pause),
    ("POST", "/containers/{id}/unpause", unpause),
    ("POST", "/containers/{id}/update", update),
]
