"""What is asked of a search: words, filters, an order, a page."""

from __future__ import annotations

from typing import Literal, NamedTuple

Order = Literal["relevance", "stars", "pulls"]
ORDERS: tuple[Order, ...] = ("relevance", "stars", "pulls")

MOST = 100  # entries in a page
DEEPEST = 10_000  # results that can be paged through
COUNTED = 500  # results that are counted exactly


class Filters(NamedTuple):
    """What the results have in common. `starred` and `mine` are said of the person who asks.

    `visibility`: public, private, or empty for both. `platform`: linux/arm64; linux/arm is any of its variants.
    """

    official: bool | None = None
    starred: bool = False
    mine: bool = False
    visibility: str = ""
    platform: str = ""
    updated_since_ns: int = 0
    least_stars: int = 0
    namespace: str = ""


class Query(NamedTuple):
    """A search. Empty `text` finds all that the filters leave. `limit` counts results, at most 100."""

    text: str = ""
    filters: Filters = Filters()
    order: Order = "relevance"
    limit: int = 25  # at most 100
    offset: int = 0


class Found(NamedTuple):
    """A repository as a search shows it."""

    name: str
    description: str
    is_official: bool
    is_public: bool
    stars: int
    pulls: int
    updated_ns: int
    pulled_ns: int
    is_starred: bool


class Page(NamedTuple):
    """Some results, and how many there are in all; where `is_more`, there are more than `total`."""

    results: tuple[Found, ...]
    total: int
    is_more: bool = False
