"""Builds: the classic POST /build, and the build cache.

Spec: Docker Engine API, "ImageBuild": a tar (or a remote address) as the context, `stream` lines, `aux` with the id.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO, Literal

from aiohttp import web

from capas.build.caching.flags import parse_cache_source
from capas.build.request import BuildRequest, Built
from capas.dockerapi.answers import json_answer
from capas.dockerapi.build_lines import Lines
from capas.dockerapi.host import Route, filters_of, flag, host_of, whole
from capas.dockerapi.logins import find_in_config
from capas.dockerapi.progress import Progress, told
from capas.dockerapi.stream import Emit, stream
from capas.dockerapi.telling import tell_image, tell_pruned
from capas.dockerapi.transfers import spool
from capas.errors import Invalid, Unsupported
from capas.oci.platform import Platform

_NETWORKS: dict[str, Literal["default", "host", "none"]] = {
    "": "default", "default": "default", "bridge": "default", "host": "host", "none": "none",
}  # fmt: skip
_TAKEN = frozenset({
    "buildargs", "buildid", "cachefrom", "cgroupparent", "dockerfile", "extrahosts", "forcerm", "labels", "networkmode",
    "nocache", "platform", "pull", "q", "remote", "rm", "shmsize", "t", "target", "ulimits", "version",
})  # fmt: skip
_NOTHING = frozenset({"", "0", "false", "null", "[]", "{}", "default"})  # what docker's client sends for nothing


async def build(request: web.Request) -> web.StreamResponse:
    """POST /build."""
    _refuse(request)
    host = host_of(request)
    engine = host.engine.speaking_as(find_in_config(request))
    tags = [tag for tag in request.query.getall("t", []) if tag]
    quiet = flag(request, "q")
    with await spool(request) as context:
        wanted = _wanted(request, context)

        def work(progress: Progress) -> None:
            lines = Lines(progress, quiet=quiet)
            built = engine.images.build(wanted, tags=tags, report=lines.report)
            lines.close()
            _tell(progress, built, quiet=quiet)
            for name in (name.familiar for output in built.outputs for name in output.names):
                tell_image(host, "tag", str(built.image.id), name)

        def safe(emit: Emit) -> None:
            told(work, emit)

        return await stream(request, safe)


def _refuse(request: web.Request) -> None:
    if request.query.get("version", "1") not in ("", "1"):
        raise Unsupported("this is the classic builder: builds of version 2 (BuildKit) go another way",
                          hint="set DOCKER_BUILDKIT=0")  # fmt: skip
    for name, value in request.query.items():
        if name not in _TAKEN and value not in _NOTHING:
            raise Unsupported("the build parameter {name} is not supported by Capas", name=name)


def _wanted(request: web.Request, context: BinaryIO) -> BuildRequest:
    query = request.query
    remote, platform = query.get("remote", ""), query.get("platform", "")
    network = query.get("networkmode", "")
    if network not in _NETWORKS:
        raise Unsupported("there is no network {network!r} for builds", network=network[:100])
    return BuildRequest(
        context=remote or "-",
        stdin=None if remote else context,
        file=query.get("dockerfile") or None,
        build_args=_object(request, "buildargs"),
        labels=_object(request, "labels"),
        target=query.get("target", ""),
        platform=Platform.parse(platform) if platform else None,
        no_cache=flag(request, "nocache"),
        pull=flag(request, "pull"),
        network=_NETWORKS[network],
        add_hosts=tuple(_host(text) for texts in query.getall("extrahosts", []) for text in texts.split(",") if text),
        shm_size=whole(request, "shmsize") or 0,
        ulimits=tuple((str(one["Name"]), int(one["Soft"]), int(one["Hard"])) for one in _list(request, "ulimits")),
        cgroup_parent=query.get("cgroupparent", ""),
        cache_from=tuple(parse_cache_source(str(one)) for one in _list(request, "cachefrom")),
    )


def _host(text: str) -> tuple[str, str]:
    name, colon, address = text.partition(":")
    if not colon:
        raise Invalid("not a host: {text!r}", text=text[:200], hint="write it as name:address")
    return name, address


def _object(request: web.Request, name: str) -> dict[str, Any]:
    found = _json(request, name) or {}
    if not isinstance(found, dict):
        raise Invalid("the parameter {name} is no JSON object", name=name)
    return found


def _list(request: web.Request, name: str) -> list[Any]:
    found = _json(request, name) or []
    if not isinstance(found, list):
        raise Invalid("the parameter {name} is no JSON list", name=name)
    return found


def _json(request: web.Request, name: str) -> object:
    text = request.query.get(name, "")
    try:
        return json.loads(text) if text else None
    except ValueError:
        raise Invalid("the parameter {name} is not JSON", name=name) from None


def _tell(progress: Progress, built: Built, *, quiet: bool) -> None:
    progress.send({"aux": {"ID": str(built.image.id)}})
    if quiet:
        progress.send({"stream": f"{built.image.id}\n"})
        return
    progress.send({"stream": f"Successfully built {built.image.id.short}\n"})
    for output in built.outputs:
        for name in output.names:
            progress.send({"stream": f"Successfully tagged {name.familiar}\n"})


async def prune(request: web.Request) -> web.Response:
    """POST /build/prune."""
    host = host_of(request)
    filters = [text for text in filters_of(request) if not text.startswith("unused-for=")]

    def work() -> dict[str, Any]:
        entries = [one for one in host.engine.builder.list(filters=filters) if one.reclaimable]
        return {
            "CachesDeleted": [one.id for one in entries] or None,
            "SpaceReclaimed": host.engine.builder.prune(entries),
        }

    pruned = await host.hop(work)
    tell_pruned(host, "builder", pruned["SpaceReclaimed"])
    return json_answer(pruned)


ROUTES: list[Route] = [("POST", "/build", build), ("POST", "/build/prune", prune)]
