"""What the JSON API refuses: our kinds of error as statuses, in the shape of the distribution API's errors."""

from __future__ import annotations

import msgspec

from capas import errors
from capas.hub.distribution import refusal
from capas.hub.distribution.refusal import UNAUTHORIZED, Code, Refused, unexpected
from capas.hub.people.limits import TooMany

BAD_REQUEST = Code("INVALID", 400)
NOT_FOUND = Code("NOT_FOUND", 404)
NO_METHOD = Code("UNSUPPORTED", 405)
TOO_LARGE = Code("INVALID", 413)
NOT_JSON = Code("UNSUPPORTED", 415)

LOG_IN = ((b"www-authenticate", b'Bearer realm="capas"'),)  # for Basic a browser would open a dialog of its own

_KINDS: tuple[tuple[type[errors.CapasError], Code], ...] = (
    (errors.Invalid, BAD_REQUEST),
    (errors.NotFound, NOT_FOUND),
    (errors.AlreadyExists, Code("ALREADY_EXISTS", 409)),
    (errors.Conflict, Code("CONFLICT", 409)),
    (errors.Unauthenticated, UNAUTHORIZED),
    (errors.Denied, Code("DENIED", 403)),
    (errors.Unsupported, Code("UNSUPPORTED", 400)),
)
_OURS: tuple[tuple[type[errors.CapasError], Code, str], ...] = (
    (errors.Exhausted, Code("UNAVAILABLE", 507), "the hub's disk is full"),
    (errors.Unavailable, Code("UNAVAILABLE", 503), "the hub cannot reach its records now: try again later"),
)


class Error(msgspec.Struct, frozen=True):
    """One thing that is wrong. `detail` is the facts, where there are some."""

    code: str
    message: str
    detail: dict[str, str | int | bool | None] | None = None


class Errors(msgspec.Struct, frozen=True):
    """The body of every answer that is an error."""

    errors: list[Error]


def refusal_of(error: errors.CapasError) -> Refused:
    """The refusal for an error: with its facts where the client is at fault, without where the hub is."""
    if isinstance(error, TooMany):
        return refusal.refusal_of(error)
    for kind, code in _KINDS:
        if isinstance(error, kind):
            words = f"{error} ({error.hint})" if error.hint else str(error)
            headers = LOG_IN if code is UNAUTHORIZED else ()
            return Refused(
                code, words, headers=headers, detail={name: _plain(fact) for name, fact in error.facts.items()} or None
            )
    for kind, code, words in _OURS:
        if isinstance(error, kind):
            return Refused(code, words)
    return unexpected()


def _plain(fact: object) -> str | int | bool | None:
    return fact if isinstance(fact, str | int | bool | None) else str(fact)
