"""How pulls and stars of a repository went over the last weeks, as a picture and in words."""

from __future__ import annotations

from typing import NamedTuple

from capas.hub.finding.days import list_pulls, list_stars
from capas.hub.pages.drawing import Bar, lay_columns, lay_line
from capas.hub.pages.speech import write_date
from capas.hub.pages.visit import Visit
from capas.hub.spans import DAY_NS
from capas.language import write_number

_DAYS = 60


class Trend(NamedTuple):
    """A column for each day's pulls with its words (`days`), and the stars as the points of a line."""

    columns: tuple[Bar, ...]
    days: tuple[str, ...]
    line: str
    told: str


def read_trend(visit: Visit, repository: int, stars: int) -> Trend:
    """The trend up to today. `stars`: as many as there are now."""
    today = visit.hub.now_ns() // DAY_NS
    days = range(today - _DAYS + 1, today + 1)
    pulled = visit.hub.database.read(lambda db: list_pulls(db, repository, days))
    starred = visit.hub.database.read(lambda db: list_stars(db, repository, days)) if stars else []
    counts = [one.total for one in pulled]
    return Trend(
        columns=tuple(lay_columns(counts)),
        days=tuple(f"{_name(one.day)}: {write_number(one.total, visit.language)}" for one in pulled),
        line=lay_line([one.total for one in starred]),
        told=_tell(visit, counts, days),
    )


def _tell(visit: Visit, counts: list[int], days: range) -> str:
    total = sum(counts)
    if not total:
        return visit.say("No pulls in the last {n} days.", n=_DAYS)
    most = max(counts)
    return visit.say(
        "{total} pulls in the last {n} days, most on {day}: {most}",
        total=write_number(total, visit.language),
        n=_DAYS,
        day=_name(days[counts.index(most)]),
        most=write_number(most, visit.language),
    )


def _name(day: int) -> str:
    return write_date(day * DAY_NS)[:10]
