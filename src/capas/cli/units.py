"""Times as docker prints them for people."""

from __future__ import annotations

from datetime import UTC, datetime

from capas.run.ages import duration


def binary_size(size: float) -> str:
    """Four significant digits in powers of 1024: `1.95GiB`, `452KiB`."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.4g}{unit}"


def ago(then_ns: int, now_ns: int) -> str:
    """`2 weeks ago`; `N/A` for no time at all."""
    return f"{duration(now_ns - then_ns)} ago" if then_ns > 0 else "N/A"


def iso(time_ns: int) -> str:
    """`2026-11-23 23:17:35 +0000 UTC`, as docker's CreatedAt."""
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
