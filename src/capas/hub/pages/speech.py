"""The reader's language: which it is, and how its numbers, sizes and ages are written."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request

from capas.hub.pages.cookies import LANGUAGE, read_cookie
from capas.hub.spans import SECOND_NS
from capas.language import say, write_number

LANGUAGES = {"en": "English", "es": "Español"}

AGES = (
    (365 * 86400, "{n} year ago", "{n} years ago"),
    (30 * 86400, "{n} month ago", "{n} months ago"),
    (7 * 86400, "{n} week ago", "{n} weeks ago"),
    (86400, "{n} day ago", "{n} days ago"),
    (3600, "{n} hour ago", "{n} hours ago"),
    (60, "{n} minute ago", "{n} minutes ago"),
)


def choose_language(request: Request) -> str:
    """What `?lang=` says, or the cookie, or the browser; English where none of it is spoken here."""
    for wanted in (request.query_params.get("lang", ""), read_cookie(request, LANGUAGE)):
        if wanted in LANGUAGES:
            return wanted
    return _accepted(request.headers.get("accept-language", ""))


def _accepted(header: str) -> str:
    """The best of `es-MX,es;q=0.9,en;q=0.8` that is spoken here."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        name, _, weight = part.partition(";q=")
        language = name.strip().lower().partition("-")[0]
        try:
            weighed.append((float(weight or 1), language))
        except ValueError:
            continue
    spoken = [(weight, language) for weight, language in weighed if language in LANGUAGES and weight > 0]
    return max(spoken, key=lambda one: one[0])[1] if spoken else "en"


def write_count(count: int, language: str) -> str:
    """A count with three digits of it: `987`, `1.2k`, `34M`."""
    size: float = count
    for unit in ("", "k", "M", "G"):
        if size < 999.5 or unit == "G":
            break
        size /= 1000
    return write_number(size, language, 1 if unit and size < 9.95 else 0) + unit


def write_age(then_ns: int, now_ns: int, language: str) -> str:
    """`3 days ago`; `never` for no time at all."""
    if then_ns <= 0:
        return say("never", {}, language)
    seconds = (now_ns - then_ns) / SECOND_NS
    for length, one, many in AGES:
        if seconds >= length:
            n = int(seconds // length)
            return say(one if n == 1 else many, {"n": n}, language)
    return say("just now", {}, language)


def write_date(then_ns: int) -> str:
    """`2026-11-23 23:17 UTC`, read alike everywhere."""
    return datetime.fromtimestamp(then_ns / SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M UTC")
