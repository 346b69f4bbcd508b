"""Containers: made, listed, inspected, renamed, removed. How they live is in `lives.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from capas.dockerapi.answers import json_answer, status_of
from capas.dockerapi.container_body import spec_of
from capas.dockerapi.host import Host, Route, filters_of, flag, host_of, json_body, whole
from capas.dockerapi.telling import tell_pruned
from capas.dockerapi.wording import Worded, message_of
from capas.engine.container_summary import ContainerSummary
from capas.errors import CapasError, Invalid, NotFound
from capas.oci.platform import Platform
from capas.run.inspection import describe_mounts
from capas.run.network_inspection import describe_networks, network_mode
from capas.run.ports import Port

_SECOND = 1_000_000_000


async def list_containers(request: web.Request) -> web.Response:
    """GET /containers/json."""
    host, limit = host_of(request), whole(request, "limit")
    rows = await host.hop(
        describe_all, host, every=flag(request, "all"), limit=limit or None, filters=filters_of(request),
        with_size=flag(request, "size"),
    )  # fmt: skip
    return json_answer(rows)


def describe_all(
    host: Host, *, every: bool, limit: int | None, filters: Sequence[str], with_size: bool
) -> list[dict[str, Any]]:
    """docker's row of each container."""
    try:
        rows = host.engine.containers.list(every=every, limit=limit, filters=filters)
    except NotFound as error:
        if "image" not in error.facts:
            raise
        return []  # of an `ancestor` that is not here
    return [_describe(host, row, with_size) for row in rows]


def _describe(host: Host, row: ContainerSummary, with_size: bool) -> dict[str, Any]:
    sizes = _sizes(host, row) if with_size else {}
    record, room = row.container.record, host.engine.containers.room
    return {
        "Id": row.id, "Names": [f"/{row.name}"], "Image": row.image, "ImageID": str(row.image_id),
        "Command": row.command, "Created": row.created_ns // _SECOND, "Ports": _ports(row),
        "Labels": dict(row.labels), "State": row.state, "Status": row.status, **sizes,
        "HostConfig": {"NetworkMode": network_mode(record.spec)},
        "NetworkSettings": {"Networks": describe_networks(room, row.container)},
        "Mounts": describe_mounts(room, record),
    }  # fmt: skip


def _sizes(host: Host, row: ContainerSummary) -> dict[str, int]:
    image = host.engine.store.records.find_image(row.image_id)
    changed = host.engine.containers.size_of(row.id)
    return {"SizeRw": changed, "SizeRootFs": changed + (image.size if image else 0)}


def _ports(row: ContainerSummary) -> list[dict[str, Any]]:
    if not row.running:
        return []
    shown = [_port(port) for port in row.ports]
    taken = {(port.container_port, port.protocol) for port in row.ports}
    for text in row.exposed:
        number, _, protocol = text.partition("/")
        if number.isdigit() and (int(number), protocol) not in taken:
            shown.append({"PrivatePort": int(number), "Type": protocol})
    return shown


def _port(port: Port) -> dict[str, Any]:
    return {"IP": port.address or "0.0.0.0", "PrivatePort": port.container_port, "PublicPort": port.host_port,
            "Type": port.protocol}  # fmt: skip


async def inspect(request: web.Request) -> web.Response:
    """GET /containers/{id}/json."""
    host, name = host_of(request), request.match_info["id"]
    document = await host.hop(host.engine.containers.inspect, name, size=flag(request, "size"))
    return json_answer({**document, "ExecIDs": host.execs.list_of(document["Id"]) or None})


async def create(request: web.Request) -> web.Response:
    """POST /containers/create. The image has to be here: docker's client pulls it after a 404."""
    host, spec = host_of(request), spec_of(await json_body(request, needed=True))
    if not spec.image:
        raise Invalid("no image is named in the request")
    platform = request.query.get("platform", "")
    try:
        record = await host.hop(
            host.engine.containers.create_as, spec, name=request.query.get("name", ""),
            platform=Platform.parse(platform) if platform else None, pull="never",
        )  # fmt: skip
    except NotFound as error:
        if "image" in error.facts:
            raise
        raise Worded(400, message_of(error)) from None  # docker's client would pull the image after a 404
    host.watch.tell_container("create", await host.hop(host.engine.containers.get, record.id))
    unused = bool(spec.ports) and spec.network == "host"
    warnings = ["Published ports are discarded when using host network mode"] if unused else []
    return json_answer({"Id": record.id, "Warnings": warnings}, 201)


async def rename(request: web.Request) -> web.Response:
    """POST /containers/{id}/rename."""
    host, name = host_of(request), request.query.get("name", "")
    before = await host.hop(host.engine.containers.get, request.match_info["id"])
    if name.removeprefix("/") == before.record.name:
        raise Worded(400, "Renaming a container with the same name as its current name")
    try:
        await host.hop(host.engine.containers.rename, before.record.id, name)
    except CapasError as error:
        raise Worded(status_of(error), f"Error when allocating new name: {message_of(error)}") from None
    after = await host.hop(host.engine.containers.get, before.record.id)
    host.watch.tell_container("rename", after, oldName=f"/{before.record.name}")
    return web.Response(status=204)


async def remove(request: web.Request) -> web.Response:
    """DELETE /containers/{id}. Anonymous volumes go with it, whether `v` is said or not."""
    host = host_of(request)
    container = await host.hop(host.engine.containers.get, request.match_info["id"])
    await host.hop(host.engine.containers.remove, container.record.id, force=flag(request, "force"))
    host.watch.tell_container("destroy", container)
    return web.Response(status=204)


async def prune(request: web.Request) -> web.Response:
    """POST /containers/prune."""
    host = host_of(request)
    before = {row.id: row.container for row in await host.hop(host.engine.containers.list, every=True)}
    pruned = await host.hop(host.engine.containers.prune, filters=filters_of(request))
    for gone in pruned.deleted:
        host.watch.tell_container("destroy", before[gone])
    tell_pruned(host, "container", pruned.size)
    return json_answer({"ContainersDeleted": list(pruned.deleted) or None, "SpaceReclaimed": pruned.size})


ROUTES: list[Route] = [
    ("GET", "/containers/json", list_containers),
    ("POST", "/containers/create", create),
    ("POST", "/containers/prune", prune),
    ("GET", "/containers/{id}/json", inspect),
    ("POST", "/containers/{id}/rename", rename),
    ("DELETE", "/containers/{id}", remove),
]
