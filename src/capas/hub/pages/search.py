"""Search: words, filters, an order, a page of what was found."""

from __future__ import annotations

from starlette.responses import Response

from capas.hub.finding.query import ORDERS, Filters, Query
from capas.hub.finding.search import search
from capas.hub.finding.suggest import suggest
from capas.hub.pages.frame import page_route
from capas.hub.pages.pager import read_pager
from capas.hub.pages.visit import Visit
from capas.hub.spans import SECOND_NS

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/riscv64", "linux/ppc64le", "linux/s390x", "linux/386")
DAYS = (1, 7, 30, 365)
_SIZE = 20


def show_search(visit: Visit) -> Response:
    """What was found."""
    asked = visit.request.query_params
    pager = read_pager(visit, _SIZE)
    query = Query(
        text=asked.get("q", "").strip()[:200],
        filters=_read_filters(visit),
        order=next((order for order in ORDERS if order == asked.get("order")), "relevance"),
        limit=_SIZE,
        offset=pager.offset,
    )
    found = search(visit.hub, visit.identity, query)
    return visit.page(
        "search.html",
        block="results" if visit.is_partial else "",
        query=query,
        found=found,
        meant=[] if found.results or pager.number > 1 else suggest(visit.hub, visit.identity, query.text),
        pager=pager._replace(total=found.total, is_more=found.is_more),
        days=_read_days(visit),
        offered_platforms=PLATFORMS,
        offered_days=DAYS,
    )


def _read_filters(visit: Visit) -> Filters:
    asked = visit.request.query_params
    days = _read_days(visit)
    return Filters(
        official=True if asked.get("official") else None,
        starred=bool(asked.get("starred")) and visit.identity.user is not None,
        mine=bool(asked.get("mine")) and visit.identity.user is not None,
        platform=next((platform for platform in PLATFORMS if platform == asked.get("platform")), ""),
        updated_since_ns=visit.hub.now_ns() - days * 86_400 * SECOND_NS if days else 0,
    )


def _read_days(visit: Visit) -> int:
    return next((days for days in DAYS if str(days) == visit.request.query_params.get("days")), 0)


ROUTES = [page_route("/search", show=show_search)]
