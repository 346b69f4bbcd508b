"""Images: listed, inspected, tagged, deleted, pruned. Transfers are in `transfers.py`, archives in `archives.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Host, Route, filters_of, flag, host_of
from capas.dockerapi.telling import tell_image, tell_pruned, tell_removed
from capas.engine.listing import ImageSummary
from capas.engine.removal import Removed
from capas.errors import Invalid
from capas.image.created import parse_created
from capas.oci.digest import ImageID
from capas.reference import Reference

_SECOND = 1_000_000_000


async def list_images(request: web.Request) -> web.Response:
    """GET /images/json."""
    host = host_of(request)
    rows = await host.hop(describe_images, host, filters_of(request), with_shared=flag(request, "shared-size"))
    return json_answer(rows)


def describe_images(host: Host, filters: Sequence[str], *, with_shared: bool) -> list[dict[str, Any]]:
    """docker's row of each image, under all its names."""
    grouped: dict[ImageID, list[ImageSummary]] = {}
    for row in host.engine.images.list(filters=filters):
        grouped.setdefault(row.image_id, []).append(row)
    if not with_shared:  # docker counts where it measures
        return [_describe(rows, -1, -1) for rows in grouped.values()]
    counts = Counter(one.image_id for one in host.engine.containers.list(every=True))
    shared = _shared_sizes(host, grouped)
    return [_describe(rows, counts[key], shared.get(key, -1)) for key, rows in grouped.items()]


def _describe(rows: Sequence[ImageSummary], containers: int, shared: int) -> dict[str, Any]:
    first = rows[0]
    return {
        "Id": str(first.image_id), "ParentId": "", "Created": first.created_ns // _SECOND, "Size": first.size,
        "RepoTags": [f"{row.repository}:{row.tag}" for row in rows if row.repository and row.tag],
        "RepoDigests": sorted({f"{row.repository}@{row.digest}" for row in rows if row.repository and row.digest}),
        "SharedSize": shared, "Labels": dict(first.labels) or None, "Containers": containers,
    }  # fmt: skip


def _shared_sizes(host: Host, images: Iterable[ImageID]) -> dict[ImageID, int]:
    """The unpacked bytes of layers that another image has too."""
    records = host.engine.store.records
    layers = {}
    for image_id in images:
        record = records.find_image(image_id)
        if record is not None:
            layers[image_id] = {layer.diff_id for layer in host.engine.images.open(record).layers}
    holders: dict[object, int] = {}
    for held in layers.values():
        for diff_id in held:
            holders[diff_id] = holders.get(diff_id, 0) + 1
    sizes = {layer.diff_id: layer.uncompressed_size for layer in records.iter_layers()}
    return {
        image_id: sum(sizes.get(diff_id, 0) for diff_id in held if holders[diff_id] > 1)
        for image_id, held in layers.items()
    }


async def inspect(request: web.Request) -> web.Response:
    """GET /images/{name}/json."""
    host = host_of(request)
    return json_answer(await host.hop(host.engine.images.inspect, request.match_info["name"]))


async def history(request: web.Request) -> web.Response:
    """GET /images/{name}/history."""
    host, name = host_of(request), request.match_info["name"]

    def collect() -> list[dict[str, Any]]:
        found = host.engine.images.inspect(name)
        steps: list[dict[str, Any]] = [
            {
                "Id": str(step.image_id) if step.image_id else "<missing>", "CreatedBy": step.created_by,
                "Created": parse_created(step.created) // _SECOND if step.created else 0,
                "Size": step.size, "Comment": step.comment, "Tags": None,
            }
            for step in host.engine.images.history(name)
        ]  # fmt: skip
        if steps:
            steps[0] |= {"Tags": found["RepoTags"] or None}
        return steps

    return json_answer(await host.hop(collect))


async def tag(request: web.Request) -> web.Response:
    """POST /images/{name}/tag."""
    host = host_of(request)
    repository, tag = request.query.get("repo", ""), request.query.get("tag", "")
    if not repository:
        raise Invalid("the new name is missing: ?repo=…&tag=…")
    target = f"{repository}:{tag}" if tag else repository
    await host.hop(host.engine.images.tag, request.match_info["name"], target)
    await host.hop(tell_image, host, "tag", target, Reference.parse(target).with_default_tag().familiar)
    return web.Response(status=201)


async def remove(request: web.Request) -> web.Response:
    """DELETE /images/{name}."""
    host = host_of(request)
    found = await host.hop(host.engine.images.inspect, request.match_info["name"])
    removed = await host.hop(host.engine.images.remove, request.match_info["name"], force=flag(request, "force"))
    tell_removed(host, removed, str(found["Id"]))
    return json_answer(_items(removed))


async def prune(request: web.Request) -> web.Response:
    """POST /images/prune."""
    host, filters = host_of(request), filters_of(request)
    every = any(text in ("dangling=false", "dangling=0") for text in filters)
    rest = [text for text in filters if not text.startswith("dangling=")]
    removed = await host.hop(host.engine.images.prune, every=every, filters=rest)
    tell_removed(host, removed)
    tell_pruned(host, "image", removed.size)
    return json_answer({"ImagesDeleted": _items(removed) or None, "SpaceReclaimed": removed.size})


def _items(removed: Removed) -> list[dict[str, str]]:
    return [{"Untagged": name} for name in removed.untagged] + [{"Deleted": one} for one in removed.deleted]


ROUTES: list[Route] = [
    ("GET", "/images/json", list_images),
    ("POST", "/images/prune", prune),
    ("GET", "/images/{name:.+}/json", inspect),
    ("GET", "/images/{name:.+}/history", history),
    ("POST", "/images/{name:.+}/tag", tag),
    ("DELETE", "/images/{name:.+}", remove),
]
