"""Durations as Go writes them: `1h30m`, `1.5s`, `300ms`."""

from __future__ import annotations

import re

from capas.errors import Invalid

_UNITS = {
    "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_PART = re.compile(r"([0-9]+)?(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_LONGEST = 2**63 - 1


def parse_duration(text: str) -> int:
    """The nanoseconds that a duration says.

    Raises: Invalid. Spec: Go, package time, ParseDuration.

    >>> parse_duration("1m30s")
    90000000000
    """
    sign = -1 if text.startswith("-") else 1
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    total = at = 0
    while len(text) < 100 and (part := _PART.match(rest, at)) and (part[1] or part[2]):
        whole, fraction, unit = part[1] or "0", part[2] or "", _UNITS[part[3]]
        total += int(whole) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        at = part.end()
    if not rest or at != len(rest) or total > _LONGEST:
        raise Invalid("not a duration: {text!r}", text=text[:40], hint="write it like 30s, 1m30s or 500ms")
    return sign * total
