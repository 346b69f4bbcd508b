"""Times as docker writes them: RFC 3339 in UTC with nanoseconds."""

from __future__ import annotations

import calendar
import re
import time

NEVER = "0001-01-01T00:00:00Z"
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))?", re.ASCII
)


def format_time(time_ns: int) -> str:
    """`2026-11-23T23:48:11.123456789Z`; docker's zero for 0.

    >>> format_time(1_500_000_000_000_000_001)
    '2017-07-14T02:40:00.000000001Z'
    """
    if time_ns == 0:
        return NEVER
    seconds, nanoseconds = divmod(time_ns, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"


def parse_time(text: str) -> int:
    """Nanoseconds since 1970, 0 for docker's zero. Raises: ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time: {text[:100]!r}")
    if text == NEVER:
        return 0
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    seconds = calendar.timegm((year, month, day, hour, minute, second))
    if match[8]:
        shift = (int(match[9]) * 60 + int(match[10])) * 60
        seconds += -shift if match[8] == "+" else shift
    return seconds * 10**9 + int((match[7] or "0").ljust(9, "0"))
