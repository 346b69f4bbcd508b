"""What is answered about a repository that is a copy: first made current, then answered as any other.

Spec: OCI distribution-spec, "Pull"; RFC 9111, 5.5 (Warning 110, a stale answer).
"""

from __future__ import annotations

import bisect
import logging
import math
import os
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from capas.errors import CapasError, Denied, Exhausted, NotFound, Unauthenticated
from capas.hub.copying.cache import Place
from capas.hub.copying.caches import Caches
from capas.hub.distribution import blobs, listings, manifests
from capas.hub.distribution.blobs import blob_headers, parse_digest, unknown_blob
from capas.hub.distribution.message import Answer, header
from capas.hub.distribution.names import is_tag
from capas.hub.distribution.refusal import MANIFEST_UNKNOWN, NAME_UNKNOWN, Code, Refused
from capas.hub.distribution.route import BLOB, MANIFEST, REFERRERS, TAGS
from capas.hub.hub import Call
from capas.hub.spans import SECOND_NS
from capas.oci.digest import Digest
from capas.oci.media import OCI_INDEX

_LOG = logging.getLogger("capas.hub")
_TOO_MANY = Code("TOOMANYREQUESTS", 429)
_BAD_UPSTREAM = Code("UNAVAILABLE", 502)
_COPY = Code("UNSUPPORTED", 405)
_STALE = header("warning", '110 capas "Response is Stale: the upstream cannot be asked"')
_TOUCH_SECONDS = 300  # how exactly the last pull of a blob is noted


async def answer_copy(call: Call, place: Place) -> Answer:
    """The answer to one request about a repository of an upstream. Raises: Refused."""
    caches = call.hub.caches
    assert caches is not None
    handler = _HANDLERS.get((call.route.kind, call.request.method))
    if handler is None:
        upstream = place.cache.upstream
        raise Refused(_COPY, f"{place.name} is a copy of what {upstream.host} has: push there, or under another name")
    if not (place.path and call.name):
        raise _unknown(call, "")
    try:
        return await handler(call, caches, place)
    except CapasError as error:
        raise _refusal(call, place, error) from error


async def _manifest(call: Call, caches: Caches, place: Place) -> Answer:
    reference = call.route.value
    if ":" in reference:
        parse_digest(reference)
    elif not is_tag(reference):
        raise _unknown(call, "")
    cache, is_stale = place.cache, False
    if await call.hub.ask(cache.is_current, place, reference):
        cache.counts.hits += 1
    else:
        is_stale = await caches.once((place.name, reference), lambda: cache.refresh(place, reference))
        call = await _now(call)
    answer = await manifests.get_manifest(call)
    return answer._replace(headers=[*answer.headers, _STALE]) if is_stale else answer


async def _blob(call: Call, caches: Caches, place: Place) -> Answer:
    hub, digest = call.hub, parse_digest(call.route.value)
    link = await hub.ask(hub.links.find_link, place.name, digest)
    if link is not None and hub.blobs.stat(digest) == link.size:
        now_ns = hub.now_ns()
        if link.linked_ns < now_ns - _TOUCH_SECONDS * SECOND_NS:
            await hub.hop(hub.links.renew, place.name, digest, now_ns)
        place.cache.counts.hits += 1
        return await (blobs.head_blob if call.request.method == "HEAD" else blobs.get_blob)(call)
    if call.request.method == "HEAD":
        size = await caches.once((place.name, digest), lambda: place.cache.ask_size(place, digest))
        return Answer(200, blob_headers(digest, size))
    return await _coming(call, caches, place, digest)


async def _coming(call: Call, caches: Caches, place: Place, digest: Digest) -> Answer:
    """A blob that is not here yet: sent while it comes, unless only a part of it is wanted."""
    place.cache.counts.misses += 1
    inflow = caches.bring(place, digest)
    await inflow.begun()
    if call.request.header(b"range"):
        await inflow.ended()
    if inflow.is_done:
        return await blobs.get_blob(await _now(call))
    hub = call.hub

    async def pread(fd: int, count: int, offset: int) -> bytes:
        return await hub.hop(os.pread, fd, count, offset)

    return Answer(200, blob_headers(digest, inflow.size), pieces=inflow.pieces(0, pread))


async def _now(call: Call) -> Call:
    """The request, going on from this moment: the records have changed since it came."""
    moment = await call.hub.moments.now()
    call.hub.recent.turn(moment)
    return call._replace(moment=moment)


async def _tags(call: Call, caches: Caches, place: Place) -> Answer:
    tags = await caches.once((place.name, TAGS), lambda: place.cache.list_tags(place))

    def after(last: str, limit: int) -> list[str]:
        start = bisect.bisect_right(tags, last)
        return tags[start : start + limit]

    return await listings.answer_tags(call, after)


async def _referrers(call: Call, caches: Caches, place: Place) -> Answer:
    subject, wanted = parse_digest(call.route.value), call.request.param("artifactType") or ""
    found = await caches.once((place.name, subject, REFERRERS), lambda: place.cache.list_referrers(place, subject))
    listed = [one for one in found if wanted in ("", one.artifact_type)]
    body = msgspec.json.encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed})
    headers = [header("content-length", len(body)), header("content-type", OCI_INDEX)]
    if wanted:
        headers.append(header("oci-filters-applied", "artifactType"))
    return Answer(200, headers, body)


def _refusal(call: Call, place: Place, error: CapasError) -> Refused:
    """What is wrong with the upstream, in the words of a registry. What it denies us is not there."""
    host = place.cache.upstream.host
    if not isinstance(error, NotFound):
        _LOG.warning("%s: %s", place.name, error)
    if isinstance(error, NotFound | Denied | Unauthenticated):
        return _unknown(call, f": {host} does not give it to this hub" if not isinstance(error, NotFound) else "")
    if isinstance(error, Exhausted) and error.facts.get("status") == 429:
        wait = max(1, math.ceil(float(str(error.facts.get("retry_seconds", 60)))))
        headers = (header("retry-after", wait),)
        return Refused(_TOO_MANY, f"{host} limits how much is fetched: try again in {wait} seconds", headers=headers)
    if isinstance(error, Exhausted) and "path" in error.facts:
        raise error  # our own disk
    return Refused(_BAD_UPSTREAM, f"{host} cannot be asked now: {error}")


def _unknown(call: Call, why: str) -> Refused:
    route = call.route
    if route.kind == BLOB:
        return unknown_blob(Digest(route.value))
    if route.kind == MANIFEST:
        detail = {"name": route.name, "reference": route.value[:300]}
        return Refused(MANIFEST_UNKNOWN, "manifest unknown" + why, detail=detail)
    return Refused(NAME_UNKNOWN, "repository name not known to registry" + why, detail={"name": route.name})


_HANDLERS: Mapping[tuple[str, str], Callable[[Call, Caches, Place], Awaitable[Answer]]] = {
    (MANIFEST, "GET"): _manifest,
    (MANIFEST, "HEAD"): _manifest,
    (BLOB, "GET"): _blob,
    (BLOB, "HEAD"): _blob,
    (TAGS, "GET"): _tags,
    (REFERRERS, "GET"): _referrers,
}
