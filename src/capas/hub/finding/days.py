"""Counts by day: how pulls and stars went over time. A day is numbered from 1970, in UTC."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from capas.hub.records.tables.finding import pulls, stars_by_day


class Day(NamedTuple):
    """A day, and how many on it."""

    day: int
    total: int


def list_pulls(db: Connection, repository: int, days: range, digest: str = "") -> list[Day]:
    """Pulls on each of the days, of the repository or of one manifest."""
    here = (pulls.c.repository == repository, pulls.c.digest == digest)
    within = pulls.c.day.between(days.start, days.stop - 1)
    counts = {row.day: row[1] for row in db.execute(select(pulls.c.day, pulls.c.count).where(*here, within))}
    return [Day(day, counts.get(day, 0)) for day in days]


def list_stars(db: Connection, repository: int, days: range) -> list[Day]:
    """Stars at the end of each of the days."""
    c = stars_by_day.c
    known = select(c.day, c.count).where(c.repository == repository, c.day < days.stop).order_by(c.day)
    counts = {row.day: row[1] for row in db.execute(known)}
    total = next((counts[day] for day in reversed(counts) if day < days.start), 0)
    found = []
    for day in days:
        total = counts.get(day, total)
        found.append(Day(day, total))
    return found
