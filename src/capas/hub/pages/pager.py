"""Long lists by pages: `?page=2`."""

from __future__ import annotations

from typing import NamedTuple

from capas.hub.pages.visit import Visit

_LAST = 10_000


class Pager(NamedTuple):
    """One page of a list. `total` counts its entries; `is_more`: there are more than were counted."""

    number: int
    size: int
    total: int = 0
    is_more: bool = False

    @property
    def offset(self) -> int:
        """How many entries come before."""
        return (self.number - 1) * self.size

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(-(-self.total // self.size), 1)

    @property
    def has_next(self) -> bool:
        """Whether a page comes after."""
        return self.is_more or self.number < self.last


def read_pager(visit: Visit, size: int) -> Pager:
    """The page that the address asks for; the first where it says nothing sensible."""
    text = visit.request.query_params.get("page", "1")[:8]
    number = int(text) if text.isascii() and text.isdigit() else 1
    return Pager(min(max(number, 1), _LAST), size)
