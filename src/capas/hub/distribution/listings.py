"""Lists: tags, repositories, referrers, each in bounded pages with a link to the next one."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

import msgspec

from capas.hub.distribution.blobs import parse_digest
from capas.hub.distribution.message import Answer, Request, header
from capas.hub.distribution.refusal import NAME_UNKNOWN, PAGINATION_NUMBER_INVALID, Refused
from capas.hub.hub import Call
from capas.hub.records.values import Referrer
from capas.oci.media import OCI_INDEX

_MOST = 1000  # entries in a page, whatever is asked for (CVE-2023-2253)
_MOST_TAGS = 10_000  # where no number is asked for: many clients do not follow links
_JSON = header("content-type", "application/json")


async def list_tags(call: Call) -> Answer:
    """The tags of a repository, in order."""
    hub, name = call.hub, call.name

    def after(last: str, limit: int) -> list[str]:
        tags = hub.manifests.list_tags(name, last, limit)
        if not tags and not hub.manifests.has_repository(name):
            raise Refused(NAME_UNKNOWN, "repository name not known to registry", detail={"name": call.route.name})
        return tags

    return await answer_tags(call, after)


async def answer_tags(call: Call, after: Callable[[str, int], list[str]]) -> Answer:
    """A page of tags: `after` a tag, so many."""
    size = _page_size(call.request, _MOST_TAGS)
    tags = await call.hub.ask(after, call.request.param("last") or "", size + 1)
    return _page(call.request, {"name": call.route.name, "tags": tags[:size]}, size, tags)


async def list_repositories(call: Call) -> Answer:
    """The repositories that the client may pull from, in order."""
    hub, size = call.hub, _page_size(call.request, 100)

    def find() -> list[str]:
        after, names = call.request.param("last") or "", list[str]()
        allowed = hub.rights.readable(call.identity)
        while len(names) <= size and (found := hub.manifests.list_repositories(after, size + 1, allowed)):
            names += [name for name in found if hub.authorise(call.identity, name, "pull")]
            after = found[-1]
        return names

    names = await hub.hop(find)  # among very many that are hidden it takes a while
    return _page(call.request, {"repositories": names[:size]}, size, names)


async def list_referrers(call: Call) -> Answer:
    """The manifests whose subject is this digest, as an index; an empty one where there are none.

    Spec: OCI distribution-spec, "Listing Referrers".
    """
    request, subject = call.request, parse_digest(call.route.value)
    wanted = request.param("artifactType") or ""
    size = _page_size(request, _MOST)
    page = (request.param("last") or "", size + 1)
    found = await call.hub.ask(call.hub.manifests.list_referrers, call.name, subject, wanted, page)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_describe(one) for one in found[:size]]}
    body = msgspec.json.encode(index)
    headers = [header("content-length", len(body)), header("content-type", OCI_INDEX)]
    if wanted:
        headers.append(header("oci-filters-applied", "artifactType"))
    if len(found) > size > 0:
        headers.append(_link(request, size, found[size - 1].digest))
    return Answer(200, headers, body)


def _describe(one: Referrer) -> dict[str, object]:
    described: dict[str, object] = {"mediaType": one.media_type, "digest": str(one.digest), "size": one.size}
    if one.artifact_type:
        described["artifactType"] = one.artifact_type
    if one.annotations:
        described["annotations"] = one.annotations
    return described


def _page_size(request: Request, default: int) -> int:
    text = request.param("n")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise Refused(PAGINATION_NUMBER_INVALID, "n is not a whole number from 0", detail={"n": text[:100]})
    return min(int(text[:10]), _MOST)


def _page(request: Request, document: dict[str, object], size: int, found: list[str]) -> Answer:
    body = msgspec.json.encode(document)
    headers = [header("content-length", len(body)), _JSON]
    if len(found) > size > 0:
        headers.append(_link(request, size, found[size - 1]))
    return Answer(200, headers, body)


def _link(request: Request, size: int, last: str) -> tuple[bytes, bytes]:
    query = {"n": str(size), "last": last}
    if artifact_type := request.param("artifactType"):
        query["artifactType"] = artifact_type
    return header("link", f'<{quote(request.path)}?{urlencode(query)}>; rel="next"')
