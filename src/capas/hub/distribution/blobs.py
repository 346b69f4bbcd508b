"""Blobs: read whole by the server's own file path, in part by ranges; deleted from one repository."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import BinaryIO, NamedTuple

from capas.errors import CapasError, NotFound
from capas.hub.distribution.conditions import find_known, find_range
from capas.hub.distribution.message import Answer, Header, header
from capas.hub.distribution.refusal import BLOB_UNKNOWN, DIGEST_INVALID, UNSUPPORTED, Refused
from capas.hub.hub import Call, Hub
from capas.hub.records.values import Link
from capas.hub.spans import SECOND_NS
from capas.oci.digest import Digest

_PIECE = 1024 * 1024
_FOR_EVER = header("cache-control", "max-age=31536000, immutable")
_BINARY = header("content-type", "application/octet-stream")
_RANGES = header("accept-ranges", "bytes")


def parse_digest(text: str) -> Digest:
    """The digest in a URL. Raises: Refused."""
    try:
        return Digest.parse(text)
    except CapasError as error:
        raise Refused(DIGEST_INVALID, str(error), detail={"digest": text[:200]}) from None


class _Held(NamedTuple):
    """A blob that a repository holds, and the answer that sends it whole."""

    link: Link
    size: int
    whole: Answer


async def head_blob(call: Call) -> Answer:
    """Whether the repository holds the blob. A push that gets a yes may count on it: its time of grace begins anew."""
    hub, held = call.hub, await _find(call)
    now_ns = hub.now_ns()
    if held.link.linked_ns < now_ns - hub.options.grace_seconds * SECOND_NS // 2:
        digest = parse_digest(call.route.value)
        if not await hub.hop(hub.links.renew, call.name, digest, now_ns):
            raise unknown_blob(digest)
    return Answer(200, held.whole.headers)


async def get_blob(call: Call) -> Answer:
    """The blob, a range of it, or a word that the client has it already."""
    _, size, whole = await _find(call)
    if not_modified := find_known(call.request, whole.headers):
        return not_modified
    if not call.hub.blobs.near and (redirect := await _send_away(call)):
        return redirect
    span = find_range(call.request, whole.headers, size) if call.request.header(b"range") else None
    digest = parse_digest(call.route.value)
    if span is None:
        return whole if whole.path else whole._replace(pieces=await _open(call.hub, digest, 0, size))
    start, end = span
    headers = blob_headers(digest, end - start + 1)
    headers.append(header("content-range", f"bytes {start}-{end}/{size}"))
    return Answer(206, headers, pieces=await _open(call.hub, digest, start, end - start + 1))


async def delete_blob(call: Call) -> Answer:
    """The repository holds it no more; `collect` frees its bytes once no other one does."""
    hub, digest = call.hub, parse_digest(call.route.value)
    if not hub.options.delete:
        raise Refused(UNSUPPORTED, "this hub does not delete")
    if not await hub.hop(hub.links.unlink, call.name, digest):
        raise unknown_blob(digest)
    return Answer(202, [header("docker-content-digest", digest)])


def unknown_blob(digest: Digest) -> Refused:
    """The refusal of a blob that is not here, or not in this repository: the same words for both."""
    return Refused(BLOB_UNKNOWN, "blob unknown to registry", detail={"digest": digest})


async def _find(call: Call) -> _Held:
    recent, key = call.hub.recent, ("blob", call.name, call.route.value)
    held = recent.get(key, _Held)
    if held is None:
        held = await _look(call, parse_digest(call.route.value))
        recent.keep(call.moment, key, held)
    return held


async def _look(call: Call, digest: Digest) -> _Held:
    blobs = call.hub.blobs
    link = await call.hub.ask(call.hub.links.find_link, call.name, digest)
    if link is None:
        raise unknown_blob(digest)
    if not blobs.near:  # the records know enough: the store is asked for bytes alone
        return _Held(link, link.size, Answer(200, blob_headers(digest, link.size)))
    size = blobs.stat(digest)
    if size is None:
        raise unknown_blob(digest)
    return _Held(link, size, Answer(200, blob_headers(digest, size), path=str(blobs.place(digest))))


async def _send_away(call: Call) -> Answer | None:
    """Where the client gets the blob, or a range of it, without us; None where it is to get it here."""
    digest = parse_digest(call.route.value)
    address = await call.hub.hop(call.hub.blobs.place, digest)
    if address is None:
        return None
    return Answer(
        307, [header("content-length", 0), header("location", address), header("docker-content-digest", digest)]
    )


async def _open(hub: Hub, digest: Digest, start: int, length: int) -> AsyncIterator[bytes]:
    """A part of the blob as pieces. Raises: Refused where its bytes are gone."""
    try:
        file = await hub.hop(hub.blobs.open, digest)
    except NotFound:
        raise unknown_blob(digest) from None
    return _pieces(hub, file, start, length)


def blob_headers(digest: Digest, length: int) -> list[Header]:
    """What is said of a blob, or of `length` bytes of it."""
    return [
        header("content-length", length),
        _BINARY,
        header("docker-content-digest", digest),
        header("etag", f'"{digest}"'),
        _RANGES,
        _FOR_EVER,
    ]


async def _pieces(hub: Hub, file: BinaryIO, start: int, length: int) -> AsyncIterator[bytes]:
    with file:
        while length > 0:
            piece = await hub.hop(_read, file, start, min(length, _PIECE))
            if not piece:
                return  # the file on disk is shorter than its size: the client sees a body cut short
            start += len(piece)
            length -= len(piece)
            yield piece


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)
