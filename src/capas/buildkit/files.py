"""The files of a build, brought from its client: the Dockerfile, the context but for what is ignored, and others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from capas.build import recipe
from capas.build.cache_mounts import CacheKind
from capas.build.urls import is_git_context, is_http
from capas.buildkit import messages_pb2 as wire
from capas.buildkit.job import Desk
from capas.buildkit.named import find_images, list_places
from capas.buildkit.receiving import Received, receive
from capas.buildkit.telling import Dockerfile
from capas.buildkit.wishes import LOCAL, named_contexts
from capas.errors import NotFound
from capas.events import Said
from capas.store.disk import disk_errors

_MOST_TOLD = 20
_UPLOAD = "http://buildkit-session/"
_PULL = "/moby.upload.v1.Upload/Pull"


def bring_files(desk: Desk) -> dict[str, Any]:
    """Fields of a `BuildRequest`. Raises: NotFound; Invalid; as `receive`."""
    attributes = desk.job.order.attributes
    name = attributes.get("filename") or recipe.DEFAULT
    context = attributes.get("context", "")
    if is_git_context(context) or is_http(context):
        fields = {"file": attributes.get("filename"), **_named(desk)}
        if context.startswith(_UPLOAD):
            return {"context": "-", "stdin": _pull(desk, context), **fields}
        return {"context": context, **fields}
    dockerfile = _bring_dockerfile(desk, attributes.get("dockerfilekey", "dockerfile"), name)
    root = _bring(desk, attributes.get("contextkey", "context"), "[internal] load build context", dockerfile)
    return {"context": str(root), "file": str(dockerfile), **_named(desk)}


def _pull(desk: Desk, address: str) -> BinaryIO:
    """A tar that the client has from its standard input."""
    path = desk.scratch.new_path()
    vertex = "[internal] load remote build context"
    headers = [("urlpath", urlsplit(address).path), ("urlhost", urlsplit(address).netloc)]
    with (
        desk.job.telling.doing(vertex),
        disk_errors(path),
        path.open("wb") as out,
        desk.job.caller.converse(_PULL, wire.BytesMessage, wire.BytesMessage, headers) as conversation,
    ):
        conversation.end()
        while (block := conversation.receive()) is not None:
            out.write(block.data)
        desk.job.telling.moved(vertex, "transferring context", out.tell())
    return desk.stack.enter_context(path.open("rb"))


def _named(desk: Desk) -> dict[str, Any]:
    """The named contexts: directories brought, images of the client's as it has them. Raises: as `bring_files`."""
    found = named_contexts(desk.job.order.attributes)
    images = find_images(found, desk.job)
    places = {
        key: str(_bring(desk, place.removeprefix(LOCAL), f"[context {key}] load from client"))
        if place.startswith(LOCAL)
        else place
        for key, place in list_places(found, desk.job.order.inputs)
    }
    return {"build_contexts": places, "context_images": images}


def bring_recipe(desk: Desk) -> dict[str, Any]:
    """As `bring_files`, without the files of the context: what checks of the Dockerfile need."""
    attributes = desk.job.order.attributes
    name = attributes.get("filename") or recipe.DEFAULT
    dockerfile = _bring_dockerfile(desk, attributes.get("dockerfilekey", "dockerfile"), name)
    return {"context": str(_bring_ignore(desk, attributes.get("contextkey", "context"))), "file": str(dockerfile)}


def _bring_dockerfile(desk: Desk, directory: str, name: str) -> Path:
    job, root = desk.job, desk.scratch.new_path()
    root.mkdir()
    vertex = f"[internal] load build definition from {name}"
    with job.telling.doing(vertex):
        received = receive(job.holder(directory), directory, root, follow=[name, f"{name}.dockerignore", name.lower()])
        job.telling.moved(vertex, "transferring dockerfile", received.size)
        for word in (name, name.lower()):
            path = root / word
            if path.is_file() and path.resolve().is_relative_to(root.resolve()):
                job.telling.dockerfile = Dockerfile(name, path.read_bytes(), vertex)
                return path
        raise NotFound("failed to read dockerfile: open {name}: no such file or directory", name=name)


def _bring(desk: Desk, directory: str, vertex: str, dockerfile: Path | None = None) -> Path:
    """A directory of the client, but for what its ignore file leaves out."""
    holder, telling = desk.job.holder(directory), desk.job.telling
    with telling.doing(vertex):
        ignore = recipe.read_ignore(dockerfile, _bring_ignore(desk, directory))
        rules: Sequence[str] = [str(rule) for rule in ignore.rules] if ignore else ()
        root = _kept(desk, f"{holder.session.offer.shared_key} {directory}")
        received = receive(holder, directory, root, exclude=rules)
        telling.moved(vertex, "transferring context", received.size)
    _warn(desk, received)
    return root


def _bring_ignore(desk: Desk, directory: str) -> Path:
    """A directory with the ignore file of the client's alone, if there is one."""
    root = desk.scratch.new_path()
    root.mkdir()
    receive(desk.job.holder(directory), directory, root, follow=[".dockerignore"])
    return root


def _kept(desk: Desk, name: str) -> Path:
    """What came last time under this name, and is nobody else's until the build has ended."""
    return desk.stack.enter_context(desk.engine.builder.contexts.held(CacheKind(name), "private"))


def _warn(desk: Desk, received: Received) -> None:
    for path in received.passed_over[:_MOST_TOLD]:
        text = f"[Warning] {path} is a device or a socket: it was left out"
        desk.job.telling.report(Said(text, stream="err"))
