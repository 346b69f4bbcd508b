"""Files of containers: docker's cp, diff and export."""

from __future__ import annotations

import base64
import json

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Host, Route, host_of
from capas.dockerapi.stream import Emit, Pieces, stream
from capas.dockerapi.transfers import spool
from capas.dockerapi.wording import Worded
from capas.errors import CapasError, Invalid, NotFound
from capas.run.times import format_time

_KINDS = {"C": 0, "A": 1, "D": 2}
_GO_DIRECTORY, _GO_LINK, _DIRECTORY, _LINK, _FORMAT = 1 << 31, 1 << 27, 0o040000, 0o120000, 0o170000


async def head_archive(request: web.Request) -> web.Response:
    """HEAD /containers/{id}/archive."""
    host, path = host_of(request), _path(request)
    return web.Response(headers=await host.hop(_stat_header, host, request.match_info["id"], path))


async def get_archive(request: web.Request) -> web.StreamResponse:
    """GET /containers/{id}/archive."""
    host, name, path = host_of(request), request.match_info["id"], _path(request)
    headers = await host.hop(_stat_header, host, name, path)

    def work(emit: Emit) -> None:
        pieces = Pieces(emit)
        host.engine.containers.read_archive(name, path, pieces.write)
        pieces.flush()

    host.watch.tell_container("archive-path", await host.hop(host.engine.containers.get, name))
    return await stream(request, work, content_type="application/x-tar", headers=headers)


async def put_archive(request: web.Request) -> web.Response:
    """PUT /containers/{id}/archive."""
    host, name, path = host_of(request), request.match_info["id"], _path(request)
    with await spool(request) as file:
        try:
            await host.hop(host.engine.containers.write_archive, name, path, file)
        except NotFound as error:
            raise _without_file(error, name) from None
    host.watch.tell_container("extract-to-dir", await host.hop(host.engine.containers.get, name))
    return web.Response()


async def changes(request: web.Request) -> web.Response:
    """GET /containers/{id}/changes."""
    host = host_of(request)
    found = await host.hop(host.engine.containers.diff, request.match_info["id"])
    return json_answer(
        [{"Path": one.path.decode("utf-8", "replace"), "Kind": _KINDS[one.kind]} for one in found] or None
    )


async def export(request: web.Request) -> web.StreamResponse:
    """GET /containers/{id}/export."""
    host, name = host_of(request), request.match_info["id"]
    host.watch.tell_container("export", await host.hop(host.engine.containers.get, name))

    def work(emit: Emit) -> None:
        pieces = Pieces(emit)
        host.engine.containers.export(name, pieces.write)
        pieces.flush()

    return await stream(request, work, content_type="application/x-tar")


def _without_file(error: NotFound, name: str) -> CapasError:
    """docker names the container too."""
    if "path" not in error.facts:
        return error
    return Worded(404, "Could not find the file {path} in container {container}", path=error.facts["path"],
                  container=name)  # fmt: skip


def _path(request: web.Request) -> str:
    path = request.query.get("path", "")
    if not path:
        raise Invalid("which path? ?path=…")
    return path


def _stat_header(host: Host, name: str, path: str) -> dict[str, str]:
    """Spec: `X-Docker-Container-Path-Stat`: base64 of JSON, the mode as Go's os.FileMode."""
    try:
        found = host.engine.containers.stat_path(name, path)
    except NotFound as error:
        raise _without_file(error, name) from None
    kind = found.mode & _FORMAT
    mode = found.mode & 0o777 | (_GO_DIRECTORY if kind == _DIRECTORY else _GO_LINK if kind == _LINK else 0)
    document = {"name": found.name, "size": found.size, "mode": mode, "mtime": format_time(found.mtime_ns),
                "linkTarget": found.link_target}  # fmt: skip
    return {"X-Docker-Container-Path-Stat": base64.b64encode(json.dumps(document).encode()).decode()}


ROUTES: list[Route] = [
    ("HEAD", "/containers/{id}/archive", head_archive),
    ("GET", "/containers/{id}/archive", get_archive),
    ("PUT", "/containers/{id}/archive", put_archive),
    ("GET", "/containers/{id}/changes", changes),
    ("GET", "/containers/{id}/export", export),
]
