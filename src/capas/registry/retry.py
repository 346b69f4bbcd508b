"""Trying again: what deserves it, how long to wait, and when to give up."""

from __future__ import annotations

import zlib

from capas.errors import Unavailable
from capas.registry.message import Conversation, Request, Response, host_of

TRIES = 5
_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 8.0
_PATIENCE_SECONDS = 60.0
_BUSY = frozenset({429, 500, 502, 503, 504})
_PASSING = frozenset({"broken", "timeout"})


def insist(request: Request) -> Conversation[Response]:
    """Send a request until it is answered: busy servers and broken connections get another try.

    Raises: Unavailable when the tries are used up, or where the server asks to wait for more than a minute.
    """
    most = TRIES if request.tries > 1 else 1  # who answers at all is worth all the tries
    for number in range(1, most + 1):
        try:
            response = yield request
        except Unavailable as error:
            if error.facts.get("reason") not in _PASSING or number >= request.tries:
                raise
            request = request._replace(after_seconds=back_off(request.url, number - 1))
            continue
        if response.status not in _BUSY or number == most:
            return response
        wait = wait_asked(response)
        if wait is not None and wait > _PATIENCE_SECONDS:
            return response  # the caller says what the server said
        response.discard()
        request = request._replace(after_seconds=wait if wait is not None else back_off(request.url, number))
    raise AssertionError


def back_off(url: str, number: int) -> float:
    """Seconds before try `number` + 1: none the first time, then doubling; spread by the address, for want of dice."""
    if number < 1:
        return 0.0
    spread = zlib.crc32(f"{url} {number}".encode()) % 256 / 1024
    return min(_FIRST_SECONDS * 2.0 ** (number - 1), _LONGEST_SECONDS) * (1 + spread)


def wait_asked(response: Response) -> float | None:
    """The seconds that Retry-After asks for, None where it does not.

    Spec: RFC 9110, section 10.2.3. A date counts from the server's own Date, so that no clock is asked.
    """
    text = response.header("retry-after").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    from email.utils import parsedate_to_datetime  # slow to import, and dates are rare

    try:
        asked = parsedate_to_datetime(text) - parsedate_to_datetime(response.header("date"))
        return max(0.0, asked.total_seconds())
    except (TypeError, ValueError):
        return None


def unavailable(url: str, why: str, reason: str) -> Unavailable:
    """A connection that failed. `reason` is "refused", "unknown host", "broken", "timeout", "tls" or "protocol"."""
    hint = {
        "refused": "is the registry running, and is the port right?",
        "unknown host": "check the name of the registry, and the network",
        "tls": "a private authority's certificate goes to `ca_bundle` of the registry in config.toml",
    }.get(reason, "")
    return Unavailable("cannot reach {host}: {why}", host=host_of(url), why=why, reason=reason, hint=hint)
