"""Images from and to registries and archives: create (pull, import), push, search, get, load, distribution."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Route, flag, host_of
from capas.dockerapi.logins import engine_for
from capas.dockerapi.progress import Progress, told
from capas.dockerapi.stream import Emit, Pieces, stream
from capas.engine.engine import Engine
from capas.errors import Invalid, Unsupported
from capas.oci.media import ACCEPTED
from capas.oci.platform import Platform
from capas.reference import Reference

_PIECE = 1024 * 1024
_IN_MEMORY = 16 * 1024 * 1024


async def create(request: web.Request) -> web.StreamResponse:
    """POST /images/create: a pull (`fromImage`), or an import of a tree (`fromSrc`)."""
    name, source = request.query.get("fromImage", ""), request.query.get("fromSrc", "")
    if source:
        return await _import(request, source)
    if not name:
        raise Invalid("which image? ?fromImage=… or ?fromSrc=…")
    engine, tag = engine_for(request), request.query.get("tag", "")
    platform = request.query.get("platform", "")
    wanted = Platform.parse(platform) if platform else None
    reference = _named(name, tag)
    return await stream(request, lambda emit: told(lambda to: _pull(engine, reference, wanted, to), emit))


def _pull(engine: Engine, name: str, platform: Platform | None, progress: Progress) -> None:
    pulled = engine.images.pull(name, platform=platform, report=progress.report)
    progress.say(f"Digest: {pulled.digest}")
    words = "Downloaded newer image for" if pulled.changed else "Image is up to date for"
    progress.say(f"Status: {words} {pulled.reference.familiar}")


async def _import(request: web.Request, source: str) -> web.StreamResponse:
    if source != "-":
        raise Unsupported("only fromSrc=- (the request's body) is imported", hint="fetch {source} first", source=source)
    engine = host_of(request).engine
    repository, tag = request.query.get("repo", ""), request.query.get("tag", "")
    name = _named(repository, tag) if repository else None
    changes, message = request.query.getall("changes", []), request.query.get("message", "")
    with await spool(request) as file:

        def work(emit: Emit) -> None:
            image = engine.images.import_(file, name, changes=changes, message=message)
            Progress(emit).say(str(image.id))

        return await stream(request, work)


async def push(request: web.Request) -> web.StreamResponse:
    """POST /images/{name}/push."""
    engine = engine_for(request)
    name = _named(request.match_info["name"], request.query.get("tag", ""))

    def work(progress: Progress) -> None:
        reference = Reference.parse(name).with_default_tag()
        progress.say(f"The push refers to repository [{reference.name}]")
        digest = engine.images.push(name, report=progress.report)
        size = engine.images.get_top(name).descriptor.size
        progress.say(f"{reference.tag}: digest: {digest} size: {size}")
        progress.send({"progressDetail": {}, "aux": {"Tag": reference.tag, "Digest": str(digest), "Size": size}})

    return await stream(request, lambda emit: told(work, emit))


async def save(request: web.Request) -> web.StreamResponse:
    """GET /images/get?names=… and /images/{name}/get."""
    one = request.match_info.get("name")
    names = [one] if one else request.query.getall("names", [])
    if not names:
        raise Invalid("which images? ?names=…")
    engine = host_of(request).engine

    def work(emit: Emit) -> None:
        engine.images.save(cast(BinaryIO, writer := Pieces(emit)), names)
        writer.flush()

    return await stream(request, work, content_type="application/x-tar")


async def load(request: web.Request) -> web.StreamResponse:
    """POST /images/load."""
    engine, quiet = host_of(request).engine, flag(request, "quiet")
    with await spool(request) as file:

        def work(progress: Progress) -> None:
            report = (lambda event: None) if quiet else progress.report
            for image, names in engine.images.load(file, report=report):
                for reference in names:
                    progress.send({"stream": f"Loaded image: {reference.familiar}\n"})
                if not names:
                    progress.send({"stream": f"Loaded image ID: {image.id}\n"})

        return await stream(request, lambda emit: told(work, emit))


async def distribution(request: web.Request) -> web.Response:
    """GET /distribution/{name}/json: what a registry says of a name."""
    engine, host = engine_for(request), host_of(request)
    return json_answer(await host.hop(_distribution, engine, request.match_info["name"]))


def _distribution(engine: Engine, name: str) -> dict[str, object]:
    from capas.oci.manifest import Index, parse_manifest

    reference = Reference.parse(name).with_default_tag()
    repository = engine.client.repository(reference)
    fetched = repository.get_manifest(str(reference.digest or reference.tag), ACCEPTED)
    document = parse_manifest(fetched.data, fetched.media_type)
    platforms = document.manifests if isinstance(document, Index) else ()
    return {
        "Descriptor": {"mediaType": fetched.media_type, "digest": str(fetched.digest), "size": len(fetched.data)},
        "Platforms": [
            {"architecture": one.platform.architecture, "os": one.platform.os, "variant": one.platform.variant}
            for one in platforms
            if one.platform
        ],
    }


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


def _named(name: str, tag: str) -> str:
    """docker's client gives name and tag (or digest) apart."""
    if not tag:
        return name
    return f"{name}@{tag}" if ":" in tag else f"{name}:{tag}"


ROUTES: list[Route] = [
    ("POST", "/images/create", create),
    ("POST", "/images/load", load),
    ("GET", "/images/get", save),
    ("GET", "/images/{name:.+}/get", save),
    ("POST", "/images/{name:.+}/push", push),
    ("GET", "/distribution/{name:.+}/json", distribution),
]
