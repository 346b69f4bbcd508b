"""Blobs: read whole by the server's own file path, in part by ranges; deleted from one repository."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from typing import BinaryIO

from capas.errors import CapasError
from capas.hub.distribution.message import Answer, Header, Request, header
from capas.hub.distribution.refusal import BLOB_UNKNOWN, DIGEST_INVALID, RANGE_INVALID, UNSUPPORTED, Refused
from capas.hub.hub import SECOND_NS, Call, Hub
from capas.hub.records.values import Link
from capas.oci.digest import Digest

_PIECE = 1024 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_FOR_EVER = header("cache-control", "max-age=31536000, immutable")
_BINARY = header("content-type", "application/octet-stream")
_RANGES = header("accept-ranges", "bytes")


def parse_digest(text: str) -> Digest:
    """The digest in a URL. Raises: Refused."""
    try:
        return Digest.parse(text)
    except CapasError as error:
        raise Refused(DIGEST_INVALID, str(error), detail={"digest": text[:200]}) from None


async def head_blob(call: Call) -> Answer:
    """Whether the repository holds the blob. A push that gets a yes may count on it: its time of grace begins anew."""
    hub, digest = call.hub, parse_digest(call.route.value)
    link, size = _find(call, digest)
    now_ns = hub.now_ns()
    if link.linked_ns < now_ns - hub.options.grace_seconds * SECOND_NS // 2:
        await hub.hop(hub.links.link, call.name, digest, size, now_ns)
    return Answer(200, _headers(digest, size))


async def get_blob(call: Call) -> Answer:
    """The blob, a range of it, or a word that the client has it already."""
    digest = parse_digest(call.route.value)
    _, size = _find(call, digest)
    if is_known(call.request, digest):
        return Answer(304, [header("etag", f'"{digest}"'), header("docker-content-digest", digest), _FOR_EVER])
    asked = call.request.header(b"range")
    span = _parse_range(call.request, digest, size) if asked else None
    path = call.hub.blobs.path(digest)
    if span is None:
        return Answer(200, _headers(digest, size), path=str(path))
    start, end = span
    headers = _headers(digest, end - start + 1)
    headers.append(header("content-range", f"bytes {start}-{end}/{size}"))
    file = await call.hub.hop(open, path, "rb")
    return Answer(206, headers, pieces=_pieces(call.hub, file, start, end - start + 1))


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


def is_known(request: Request, digest: Digest) -> bool:
    """Whether the client says that it has these bytes already."""
    asked = request.header(b"if-none-match")
    return bool(asked) and (asked.strip() == "*" or digest in asked)


def _find(call: Call, digest: Digest) -> tuple[Link, int]:
    link = call.hub.links.find_link(call.name, digest)
    size = call.hub.blobs.stat(digest) if link else None
    if link is None or size is None:
        raise unknown_blob(digest)
    return link, size


def _headers(digest: Digest, length: int) -> list[Header]:
    return [
        header("content-length", length),
        _BINARY,
        header("docker-content-digest", digest),
        header("etag", f'"{digest}"'),
        _RANGES,
        _FOR_EVER,
    ]


def _parse_range(request: Request, digest: Digest, size: int) -> tuple[int, int] | None:
    """The first and last byte asked for; None where the whole is to be sent (another unit, several ranges).

    Spec: RFC 9110, 14.1.2 and 13.1.5. Raises: Refused where no byte of the blob is in the range.
    """
    match = _RANGE.fullmatch(request.header(b"range").replace(" ", ""))
    condition = request.header(b"if-range")
    if match is None or (condition and condition != f'"{digest}"') or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last) if last else size - 1, size - 1)
        if last and int(last) < int(first):
            return None
    else:
        start, end = max(size - int(last), 0), size - 1
    if start >= size or start > end:
        headers = (header("content-range", f"bytes */{size}"),)
        raise Refused(RANGE_INVALID, "no byte of the blob is in this range", headers=headers)
    return start, end


async def _pieces(hub: Hub, file: BinaryIO, start: int, length: int) -> AsyncIterator[bytes]:
    with file:
        while length > 0:
            piece = await hub.hop(os.pread, file.fileno(), min(length, _PIECE), start)
            if not piece:
                return  # the file on disk is shorter than its size: the client sees a body cut short
            start += len(piece)
            length -= len(piece)
            yield piece
