"""What a client says that it has already, and which part it wants: If-None-Match, Range and If-Range.

Spec: RFC 9110, 13 ("Conditional Requests") and 14 ("Range Requests").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from capas.hub.distribution.message import Answer, Header, Request, header
from capas.hub.distribution.refusal import RANGE_INVALID, Refused

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_OF_NOT_MODIFIED = frozenset({b"etag", b"docker-content-digest", b"cache-control"})


def find_known(request: Request, headers: Sequence[Header]) -> Answer | None:
    """The short answer for a client that has these bytes already; None where it has to get them.

    Spec: RFC 9110, 13.1.2: a list of tags, or a star; weak ones count too.
    """
    asked = request.header(b"if-none-match")
    if not asked:
        return None
    tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    if _tag_of(headers) not in tags and "*" not in tags:
        return None
    return Answer(304, [one for one in headers if one[0] in _OF_NOT_MODIFIED])


def find_range(request: Request, headers: Sequence[Header], size: int) -> tuple[int, int] | None:
    """The first and last byte asked for; None where the whole is to be sent (another unit, several ranges).

    Raises: Refused where no byte of the blob is in the range.
    """
    match = _RANGE.fullmatch(request.header(b"range").replace(" ", ""))
    condition = request.header(b"if-range")
    if match is None or (condition and condition != _tag_of(headers)) or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last) if last else size - 1, size - 1)
        if last and int(last) < int(first):
            return None
    else:
        start, end = max(size - int(last), 0), size - 1
    if start >= size or start > end:
        nothing = (header("content-range", f"bytes */{size}"),)
        raise Refused(RANGE_INVALID, "no byte of the blob is in this range", headers=nothing)
    return start, end


def _tag_of(headers: Sequence[Header]) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == b"etag"), "")
