"""A registry's refusals as our errors: its own words, bounded and made harmless."""

from __future__ import annotations

import json
import re

from capas.errors import (
    CapasError,
    Conflict,
    Corrupt,
    Denied,
    Exhausted,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from capas.registry.message import Response, host_of, read_up_to
from capas.registry.redirect import resolve
from capas.registry.retry import wait_asked

_LONGEST = 300
_MOST_ERRORS = 3
_READ = 64 << 10
_SEARCH = re.compile(r'\s*<([^<>"]{1,1000})>\s*;\s*rel="?search"?\s*', re.ASCII)
_KINDS: dict[int, type[CapasError]] = {
    400: Invalid, 405: Unsupported, 409: Conflict, 411: Unsupported, 413: Exhausted, 415: Unsupported, 507: Exhausted,
}  # fmt: skip


def refused(response: Response, what: str) -> CapasError:
    """The error that a response means. `what` names the thing asked for, like "me/app:1 in localhost:5000"."""
    words = registry_words(response)
    status, host = response.status, host_of(response.url)
    said = words or f"status {status}"
    tail = f": {words}" if words else ""
    if status == 401:
        return Unauthenticated(
            "{what}: access is refused{tail}", what=what, said=said, tail=tail, host=host, status=status,
            user=response.user, near=search_of(response),
            hint="{user} is logged in at {host}: this account may not do that, or there is no such name"
            if response.user else "it may not exist, or it is private: `capas login` first",
        )  # fmt: skip
    if status == 403:
        return Denied(
            "{what}: not allowed{tail}", what=what, said=said, tail=tail, host=host, status=status, user=response.user,
            hint="{user} is logged in at {host}" if response.user else "",
        )  # fmt: skip
    if status in (404, 410):
        return NotFound(
            "{what}: not found{tail}", what=what, said=words or "not found", tail=tail, host=host, status=status,
            near=search_of(response),
        )  # fmt: skip
    if status == 429:
        return _too_many(response, what, said)
    if status >= 500 and status not in _KINDS:
        return Unavailable(
            "{host} has trouble: {said}", host=host, said=said, reason="status", status=status, hint="try again later"
        )
    kind = _KINDS.get(status, Corrupt if status < 400 else Invalid)
    return kind("{what}: {host} refuses: {said}", what=what, host=host, said=said, status=status)


def search_of(response: Response) -> str:
    """The address where a refusal says that other names are found; empty where it says none.

    Spec: RFC 8288, which a hub of ours follows: `Link: </api/v1/search?q=…>; rel="search"`.
    """
    found = _SEARCH.fullmatch(response.header("link"))
    try:
        return resolve(response.url, found[1]) if found else ""
    except CapasError:
        return ""


def registry_words(response: Response) -> str:
    """What the registry says in the body of a refusal; the body is then gone.

    Spec: OCI distribution-spec, "Error Codes".
    """
    try:
        data = read_up_to(response.body, _READ)
    except CapasError:
        data = b""
    response.body.close()
    try:
        errors = json.loads(data).get("errors")
        parts = [_one(error) for error in errors[:_MOST_ERRORS] if isinstance(error, dict)]
    except (ValueError, AttributeError, TypeError, RecursionError):
        parts = [data.decode("utf-8", "replace")] if response.media_type == "text/plain" else []
    return harmless("; ".join(part for part in parts if part))


def harmless(text: str) -> str:
    """Foreign words for our terminal: one line, printable, bounded."""
    line = "".join(char if char.isprintable() else " " for char in text[: _LONGEST * 4])
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def _one(error: dict[str, object]) -> str:
    message, code, detail = error.get("message"), error.get("code"), error.get("detail")
    words = message if isinstance(message, str) and message else code if isinstance(code, str) else ""
    return f"{words} ({detail})" if isinstance(detail, str) and detail and detail != words else words


def _too_many(response: Response, what: str, said: str) -> CapasError:
    wait = wait_asked(response)
    hint = f"try again in {wait:.0f} seconds" if wait else "log in, or try again later"
    return Exhausted("{what}: the registry limits requests: {said}", what=what, said=said, status=429, hint=hint)
