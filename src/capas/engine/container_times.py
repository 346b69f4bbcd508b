"""Moments as `logs --since` and `prune --filter until=` take them."""

from __future__ import annotations

import re

from capas.dockerfile.duration import parse_duration
from capas.errors import CapasError, Invalid
from capas.run.times import parse_time

_UNIX = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)


def parse_moment(text: str, now_ns: int) -> int:
    """Nanoseconds since 1970 for `2026-11-24T00:10:00Z`, `2026-11-24`, `1795475855.5`, `10m` (ago). Raises: Invalid."""
    unix = _UNIX.fullmatch(text)
    if unix:
        return int(unix[1]) * 10**9 + int((unix[2] or "").ljust(9, "0"))
    whole = text + "T00:00:00Z" if _DATE.fullmatch(text) else text + ":00Z" if _MINUTE.fullmatch(text) else text
    try:
        return parse_time(whole)
    except ValueError:
        pass
    try:
        return now_ns - parse_duration(text)
    except (CapasError, ValueError):
        raise Invalid(
            "not a time: {text!r}",
            text=text[:100],
            hint="write it like 2026-11-24T10:00:00Z, or 10m for ten minutes ago",
        ) from None
