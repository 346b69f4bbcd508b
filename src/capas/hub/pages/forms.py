"""Forms: reading one, and the token that shows that it came from a page of ours.

The token is made of the cookie that the form is bound to (the session, or before a login a random one): whoever cannot
read that cookie cannot make it, it ends with the session, and the hub keeps nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.requests import Request

from capas.errors import Denied, Invalid
from capas.hub.pages.cookies import SESSION, VISIT, read_cookie

if TYPE_CHECKING:
    from capas.hub.pages.visit import Visit

FIELD = "csrf"
HEADER = "x-csrf-token"
_LIMIT_BYTES = 1024 * 1024
_LIMIT_FIELDS = 500


def make_token(anchor: str) -> str:
    """The token of a form bound to this cookie's value."""
    return hmac.new(anchor.encode(), b"capas csrf", hashlib.sha256).hexdigest()


def is_ours(request: Request, token: str) -> bool:
    """Whether the token is that of the reader's own cookie, and the browser does not say that another site asks."""
    anchor = read_cookie(request, SESSION) or read_cookie(request, VISIT)
    site = request.headers.get("sec-fetch-site", "same-origin")
    return (
        bool(anchor)
        and site in ("same-origin", "none")
        and hmac.compare_digest(token.encode(), make_token(anchor).encode())
    )


def check_form(visit: Visit) -> None:
    """Raises: Denied for a form that did not come from a page of ours, or of another session."""
    if not is_ours(visit.request, str(visit.form.get(FIELD, "")) or visit.request.headers.get(HEADER, "")):
        raise Denied(
            "this form is not from a page of this session", hint="go back, load the page again, and send it again"
        )


async def read_form(request: Request) -> FormData:
    """The fields of a form as browsers send it (not multipart). Raises: Invalid."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind not in ("application/x-www-form-urlencoded", ""):
        raise Invalid("a form of type {kind} is not read here", kind=kind[:100])
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > _LIMIT_BYTES:
            raise Invalid("the form is larger than {limit} bytes", limit=_LIMIT_BYTES)
    try:
        fields = parse_qsl(data.decode(), keep_blank_values=True, errors="strict", max_num_fields=_LIMIT_FIELDS)
    except ValueError:
        raise Invalid("the form cannot be read: it is not UTF-8, or has too many fields") from None
    return FormData([(name, value.replace("\r\n", "\n")) for name, value in fields])
