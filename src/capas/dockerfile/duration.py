"""Durations as Go writes them: `1h30m`, `1.5s`, `300ms`."""

from __future__ import annotations

import re

from capas.errors import Invalid

_UNITS = {
    "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_LARGE = ((3_600_000_000_000, "h"), (60_000_000_000, "m"))
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


def print_duration(value_ns: int) -> str:
    """A time.Duration: `1m30s`, `500ms`, `0s`.

    >>> print_duration(90_000_000_000)
    '1m30s'
    """
    if value_ns < 1_000_000_000:
        return _fraction(value_ns)
    rest, text = value_ns, ""
    for unit, letter in _LARGE:
        if rest >= unit or text:
            text += f"{rest // unit}{letter}"
            rest %= unit
    return text + _decimal(rest, 1_000_000_000) + "s"


def _fraction(value_ns: int) -> str:
    if value_ns == 0:
        return "0s"
    for unit, name in ((1_000_000, "ms"), (1_000, "µs")):
        if value_ns >= unit:
            return _decimal(value_ns, unit) + name
    return f"{value_ns}ns"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0")
    return f"{whole}.{digits}" if digits and rest else str(whole)
