"""Sizes and times as docker prints them for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_STEPS = ((46, 60, "seconds", 1), (46, 3600, "minutes", 60), (48, 86400, "hours", 3600))


def human_size(size: float) -> str:
    """Three significant digits in powers of 1000: `63.2MB`, `0B`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.3g}{unit}" if size < 1000 else f"{size:.0f}{unit}"


def human_duration(seconds: float) -> str:
    """About how long, as go-units' HumanDuration: `Less than a second`, `2 weeks`."""
    s = int(seconds)
    if s < 1:
        return "Less than a second"
    minutes, hours = s // 60, (s // 60 + 30) // 60
    steps: tuple[tuple[bool, str], ...] = (
        (s == 1, "1 second"),
        (s < 60, f"{s} seconds"),
        (minutes == 1, "About a minute"),
        (minutes < 60, f"{minutes} minutes"),
        (hours == 1, "About an hour"),
        (hours < 48, f"{hours} hours"),
        (hours < 24 * 7 * 2, f"{hours // 24} days"),
        (hours < 24 * 30 * 2, f"{hours // 24 // 7} weeks"),
        (hours < 24 * 365 * 2, f"{hours // 24 // 30} months"),
    )
    return next((text for holds, text in steps if holds), f"{hours // 24 // 365} years")


def ago(then_ns: int, now_ns: int) -> str:
    """`2 weeks ago`; `N/A` for no time at all."""
    return f"{human_duration((now_ns - then_ns) / 1e9)} ago" if then_ns > 0 else "N/A"


def iso(time_ns: int) -> str:
    """`2026-11-23 23:17:35 +0000 UTC`, as docker's CreatedAt."""
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def parse_time_ns(text: str) -> int:
    """RFC 3339 text to nanoseconds since 1970; 0 where there is none."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|z|[+-]\d\d:\d\d)", text)
    if not match:
        return 0
    zone = "+00:00" if match[3] in "Zz" else match[3]
    seconds = datetime.fromisoformat(match[1].replace(" ", "T").replace("t", "T") + zone).timestamp()
    return int(seconds) * 10**9 + int((match[2] or "0").ljust(9, "0"))


def human_bytes(text: str) -> int:
    """`512m`, `2g`, `64KiB` to bytes, as docker's --memory. Raises: ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?", text.strip().lower())
    if not match:
        raise ValueError(text)
    return int(float(match[1]) * 1024 ** " kmgtp".index(match[2] or " "))
