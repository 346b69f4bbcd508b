"""Images from and to archives: import, get, load; and the door of pulls."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

from aiohttp import web

from capas.dockerapi.host import Route, flag, host_of
from capas.dockerapi.progress import Progress, told
from capas.dockerapi.registries import join_name, pull
from capas.dockerapi.stream import Emit, Pieces, stream
from capas.dockerapi.telling import tell_image
from capas.errors import Invalid, Unsupported

_PIECE = 1024 * 1024
_IN_MEMORY = 16 * 1024 * 1024


async def create(request: web.Request) -> web.StreamResponse:
    """POST /images/create: a pull (`fromImage`), or an import of a tree (`fromSrc`)."""
    name, source = request.query.get("fromImage", ""), request.query.get("fromSrc", "")
    if source:
        return await _import(request, source)
    if not name:
        raise Invalid("which image? ?fromImage=… or ?fromSrc=…")
    return await pull(request, name, request.query.get("tag", ""))


async def _import(request: web.Request, source: str) -> web.StreamResponse:
    if source != "-":
        raise Unsupported("only fromSrc=- (the request's body) is imported", hint="fetch {source} first", source=source)
    host = host_of(request)
    repository, tag = request.query.get("repo", ""), request.query.get("tag", "")
    name = join_name(repository, tag) if repository else None
    changes, message = request.query.getall("changes", []), request.query.get("message", "")
    with await spool(request) as file:

        def work(emit: Emit) -> None:
            image = host.engine.images.import_(file, name, changes=changes, message=message)
            tell_image(host, "import", str(image.id))
            Progress(emit).say(str(image.id))

        return await stream(request, work)


async def save(request: web.Request) -> web.StreamResponse:
    """GET /images/get?names=… and /images/{name}/get."""
    one = request.match_info.get("name")
    names = [one] if one else request.query.getall("names", [])
    if not names:
        raise Invalid("which images? ?names=…")
    host = host_of(request)

    def work(emit: Emit) -> None:
        host.engine.images.save(cast(BinaryIO, writer := Pieces(emit)), names)
        writer.flush()
        for name in names:
            tell_image(host, "save", name)

    return await stream(request, work, content_type="application/x-tar")


async def load(request: web.Request) -> web.StreamResponse:
    """POST /images/load."""
    host, quiet = host_of(request), flag(request, "quiet")
    with await spool(request) as file:

        def work(progress: Progress) -> None:
            report = (lambda event: None) if quiet else progress.report
            for image, names in host.engine.images.load(file, report=report):
                tell_image(host, "load", str(image.id))
                for reference in names:
                    progress.send({"stream": f"Loaded image: {reference.familiar}\n"})
                if not names:
                    progress.send({"stream": f"Loaded image ID: {image.id}\n"})

        return await stream(request, lambda emit: told(work, emit))


async def spool(request: web.Request) -> BinaryIO:
    """The request's body in a file: in memory while it is small."""
    host = host_of(request)
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 the caller closes it
    try:
        async for piece in request.content.iter_chunked(_PIECE):
            await host.hop(file.write, piece)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return cast(BinaryIO, file)


ROUTES: list[Route] = [
    ("POST", "/images/create", create),
    ("POST", "/images/load", load),
    ("GET", "/images/get", save),
    ("GET", "/images/{name:.+}/get", save),
]
