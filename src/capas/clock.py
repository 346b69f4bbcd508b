"""The wall clock: its only home. Composition roots read it; every other room is given a time."""

from __future__ import annotations

import time


def now_ns() -> int:
    """Nanoseconds since 1970."""
    return time.time_ns()


def booted_ns() -> int:
    """When the machine started, in nanoseconds since 1970."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
