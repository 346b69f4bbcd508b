"""Spans of time, in nanoseconds."""

SECOND_NS = 1_000_000_000
DAY_NS = 24 * 3600 * SECOND_NS
