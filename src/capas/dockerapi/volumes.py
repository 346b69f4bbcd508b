"""Volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from capas.clock import now_ns
from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Host, Route, filters_of, flag, host_of, json_body
from capas.dockerapi.telling import tell_pruned
from capas.dockerapi.wording import Worded
from capas.engine.usage import tree_size
from capas.errors import Conflict, NotFound, Unsupported
from capas.run.times import format_time
from capas.run.volumes import Volume


async def list_volumes(request: web.Request) -> web.Response:
    """GET /volumes."""
    host = host_of(request)
    found = await host.hop(describe_volumes, host, filters_of(request), with_size=False)
    return json_answer({"Volumes": found, "Warnings": None})


def describe_volumes(host: Host, filters: Sequence[str], *, with_size: bool) -> list[dict[str, Any]]:
    """docker's document of each. Filters: name, label, dangling, driver. Raises: Worded."""
    _check(filters, ("name", "label", "dangling", "driver"))
    used = host.engine.containers.volumes_in_use()
    found = [one for one in host.engine.containers.room.volumes.list() if _fits(one, filters, used)]
    return [_describe(one, used if with_size else None) for one in found]


def _check(filters: Sequence[str], known: Sequence[str]) -> None:
    """Raises: Worded for a filter that docker does not have."""
    for text in filters:
        key, _, value = text.partition("=")
        if key not in known:
            raise Worded(400, f"invalid filter '{key}'")
        if key == "dangling" and value not in ("true", "false", "1", "0"):
            raise Worded(400, f"invalid filter 'dangling=[{value}]'")


def _fits(volume: Volume, filters: Sequence[str], used: set[str]) -> bool:
    for text in filters:
        key, _, value = text.partition("=")
        if key == "name" and value not in volume.name:
            return False
        if key == "driver" and value != "local":
            return False
        if key == "dangling" and (volume.name not in used) != (value in ("true", "1")):
            return False
        if key in ("label", "label!") and _has_label(volume, value) != (key == "label"):
            return False
    return True


def _has_label(volume: Volume, text: str) -> bool:
    name, equals, value = text.partition("=")
    return name in volume.labels and (not equals or volume.labels[name] == value)


def _describe(volume: Volume, used: set[str] | None) -> dict[str, Any]:
    usage = {} if used is None else {
        "UsageData": {"Size": tree_size(volume.path), "RefCount": int(volume.name in used)}}  # fmt: skip
    return {
        "Name": volume.name, "Driver": "local", "Mountpoint": str(volume.path), "Labels": dict(volume.labels) or None,
        "Scope": "local", "Options": dict(volume.options) or None, "CreatedAt": format_time(volume.created_ns), **usage,
    }  # fmt: skip


async def create(request: web.Request) -> web.Response:
    """POST /volumes/create: a volume of this name, also where it is there already."""
    host, body = host_of(request), await json_body(request)
    if (body.get("Driver") or "local") != "local":
        raise Unsupported("only the volume driver local is supported")
    return json_answer(_describe(await host.hop(_create, host, body), None), 201)


def _create(host: Host, body: dict[str, Any]) -> Volume:
    room, name = host.engine.containers.room, str(body.get("Name") or "")
    found = room.volumes.find(name) if name else None
    labels = {str(key): str(value) for key, value in (body.get("Labels") or {}).items()}
    if found is not None:
        return found
    made = room.volumes.create(
        name or room.token(), now_ns=now_ns(), labels=labels, anonymous=not name, options=body.get("DriverOpts")
    )
    host.watch.tell("volume", "create", made.name, {"driver": "local"})
    return made


async def inspect(request: web.Request) -> web.Response:
    """GET /volumes/{name}."""
    host = host_of(request)
    return json_answer(
        _describe(await host.hop(host.engine.containers.room.volumes.get, request.match_info["name"]), None)
    )


async def remove(request: web.Request) -> web.Response:
    """DELETE /volumes/{name}."""
    host, name = host_of(request), request.match_info["name"]
    try:
        await host.hop(_remove, host, name)
    except NotFound:
        if not flag(request, "force"):
            raise
    return web.Response(status=204)


def _remove(host: Host, name: str) -> None:
    users = [one.id for one in host.engine.containers.list(every=True) if name in one.mounts]
    host.engine.containers.room.volumes.remove(name, users)
    host.watch.tell("volume", "destroy", name, {"driver": "local"})


async def prune(request: web.Request) -> web.Response:
    """POST /volumes/prune: anonymous ones that no container has; all of them with the filter `all`."""
    host = host_of(request)
    return json_answer(await host.hop(_prune, host, filters_of(request)))


def _prune(host: Host, filters: Sequence[str]) -> dict[str, Any]:
    every = "all=true" in filters or "all=1" in filters
    rest = [text for text in filters if not text.startswith("all=")]
    _check(rest, ("label", "label!"))
    used, size, names = host.engine.containers.volumes_in_use(), 0, []
    for volume in host.engine.containers.room.volumes.list():
        if volume.name in used or not (every or volume.anonymous) or not _fits(volume, rest, used):
            continue
        bytes_held = 0 if volume.options else tree_size(volume.path)
        try:
            _remove(host, volume.name)
        except (Conflict, NotFound):
            continue
        size += bytes_held
        names.append(volume.name)
    tell_pruned(host, "volume", size)
    return {"VolumesDeleted": names or None, "SpaceReclaimed": size}


ROUTES: list[Route] = [
    ("GET", "/volumes", list_volumes),
    ("POST", "/volumes/create", create),
    ("POST", "/volumes/prune", prune),
    ("GET", "/volumes/{name}", inspect),
    ("DELETE", "/volumes/{name}", remove),
]
