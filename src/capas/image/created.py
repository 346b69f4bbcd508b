"""The time in a config: RFC 3339 text to nanoseconds and back."""

from __future__ import annotations

import calendar
import re
import time

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def parse_created(text: str | None) -> int:
    """Nanoseconds since 1970; 0 for no time, for Go's zero time, and for text that is no time.

    >>> parse_created("2024-01-02T03:04:05.6Z")
    1704164645600000000
    """
    match = _RFC3339.fullmatch(text or "")
    if match is None:
        return 0
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if year < 1970 or not 1 <= month <= 12 or year > 2261:  # what does not fit is not known
        return 0
    seconds = calendar.timegm((year, month, day, hour, minute, second))
    if match[8]:
        offset = (int(match[9]) * 60 + int(match[10])) * 60
        seconds -= offset if match[8] == "+" else -offset
    return seconds * 10**9 + int((match[7] or "0")[:9].ljust(9, "0"))


def format_created(time_ns: int) -> str:
    """RFC 3339, in UTC, as Go writes it: no more digits than there are.

    >>> format_created(1_500_000_000)
    '1970-01-01T00:00:01.5Z'
    """
    seconds, rest = divmod(time_ns, 10**9)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + fraction + "Z"
