"""Images from and to registries: pull, push, search, and what a registry says of a name."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from capas.dockerapi.answers import json_answer
from capas.dockerapi.host import Route, filters_of, host_of, whole
from capas.dockerapi.logins import engine_for
from capas.dockerapi.progress import Progress, told
from capas.dockerapi.stream import stream
from capas.dockerapi.telling import tell_transfer
from capas.dockerapi.wording import Worded, message_of
from capas.engine.engine import Engine
from capas.errors import CapasError, Denied, Unauthenticated
from capas.events import Event
from capas.oci.media import ACCEPTED
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.search import MOST, Wanted

_DENIED = "denied: requested access to the resource is denied"
_HITS = 25  # docker's, where no limit is said
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


async def pull(request: web.Request, name: str, tag: str) -> web.StreamResponse:
    """The stream of a pull: of one image, or without a tag of all that the repository has."""
    host, engine, platform = host_of(request), engine_for(request), request.query.get("platform", "")
    wanted = Platform.parse(platform) if platform else None

    def work(progress: Progress) -> None:
        reference = Reference.parse(join_name(name, tag))
        try:
            names = [reference.familiar] if tag or reference.tag or reference.digest else _all_of(engine, reference)
            changed = [_pull(engine, one, wanted, progress) for one in names]
        except (Unauthenticated, Denied) as error:
            raise _refused(reference, error) from None
        for one in names:
            tell_transfer(host, "pull", one)
        shown = (reference if len(names) != 1 else Reference.parse(names[0])).familiar
        words = "Downloaded newer image for" if any(changed) else "Image is up to date for"
        progress.say(f"Status: {words} {shown}")

    return await stream(request, lambda emit: told(work, emit))


def _all_of(engine: Engine, reference: Reference) -> Sequence[str]:
    return [f"{reference.familiar_name}:{tag}" for tag in engine.images.remote_tags(str(reference))]


def _refused(reference: Reference, error: CapasError) -> CapasError:
    if "status" not in error.facts:
        return error
    words = "pull access denied for {name}, repository does not exist or may require 'docker login': {why}"
    return Worded(404, words, name=reference.familiar_name, why=_DENIED)


def _pull(engine: Engine, name: str, platform: Platform | None, progress: Progress) -> bool:
    held = _Held(progress)
    pulled = engine.images.pull(name, platform=platform, report=held.report)
    held.release()
    progress.say(f"Digest: {pulled.digest}")
    return pulled.changed


class _Held:
    """Says where a pull is from once the registry has answered: what fails before is docker's to say without it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._first: Event | None = None
        self._begun = False

    def report(self, event: Event) -> None:
        """The first event waits for the second."""
        if self._first is None and not self._begun:
            self._first = event
            return
        self.release()
        self._progress.report(event)

    def release(self) -> None:
        """Nothing waits any more."""
        first, self._first, self._begun = self._first, None, True
        if first is not None:
            self._progress.report(first)


async def push(request: web.Request) -> web.StreamResponse:
    """POST /images/{name}/push: one tag, or all that are here."""
    host, engine, tag = host_of(request), engine_for(request), request.query.get("tag", "")
    name = join_name(request.match_info["name"], tag)

    def work(progress: Progress) -> None:
        reference = Reference.parse(name)
        progress.say(f"The push refers to repository [{reference.name}]")
        here = [Reference.parse(text) for text in engine.images.local_tags(reference.name)]
        names = [one for one in here if reference.tag in (None, one.tag)]
        if not here:
            raise Worded(404, "An image does not exist locally with the tag: {name}", name=reference.familiar_name)
        if not names:
            raise Worded(404, "tag does not exist: {name}", name=reference.familiar)
        for one in names:
            _push(engine, one, progress)
            tell_transfer(host, "push", one.familiar)

    return await stream(request, lambda emit: told(work, emit))


def _push(engine: Engine, reference: Reference, progress: Progress) -> None:
    try:
        digest = engine.images.push(str(reference), report=progress.report)
    except (Unauthenticated, Denied) as error:
        raise Worded(403, _DENIED if "status" in error.facts else message_of(error)) from None
    size = engine.images.get_top(str(reference)).descriptor.size
    progress.say(f"{reference.tag}: digest: {digest} size: {size}")
    progress.send({"progressDetail": {}, "aux": {"Tag": reference.tag, "Digest": str(digest), "Size": size}})


async def search(request: web.Request) -> web.Response:
    """GET /images/search: filters is-official, is-automated and stars."""
    engine, host = engine_for(request), host_of(request)
    limit = whole(request, "limit") or _HITS
    if not 1 <= limit <= MOST:
        raise Worded(400, "limit {limit} is outside the range of [1, {most}]", limit=limit, most=MOST)
    wanted = _narrowed(Wanted(request.query.get("term", ""), limit=limit), filters_of(request))
    found = await host.hop(engine.images.search, wanted)
    return json_answer([
        {
            "name": hit.name, "description": hit.description, "star_count": hit.stars,
            "is_official": hit.is_official, "is_automated": hit.is_automated,
        }
        for hit in found.hits
    ])  # fmt: skip


def _narrowed(wanted: Wanted, filters: Sequence[str]) -> Wanted:
    """Raises: Worded for what docker does not filter by."""
    for text in filters:
        key, _, value = text.partition("=")
        if key == "stars" and value.isdecimal():
            wanted = wanted._replace(least_stars=max(wanted.least_stars, int(value)))
        elif key == "is-official" and value in _TRUTHS:
            wanted = wanted._replace(official=_TRUTHS[value])
        elif key == "is-automated" and value in _TRUTHS:
            wanted = wanted._replace(automated=_TRUTHS[value])
        elif key in ("stars", "is-official", "is-automated"):
            raise Worded(400, "invalid filter '{key}=[{value}]'", key=key, value=value)
        else:
            raise Worded(400, "invalid filter '{key}'", key=key)
    return wanted


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


def join_name(name: str, tag: str) -> str:
    """docker's client gives name and tag (or digest) apart."""
    if not tag:
        return name
    return f"{name}@{tag}" if ":" in tag else f"{name}:{tag}"


ROUTES: list[Route] = [
    ("GET", "/images/search", search),
    ("POST", "/images/{name:.+}/push", push),
    ("GET", "/distribution/{name:.+}/json", distribution),
]
