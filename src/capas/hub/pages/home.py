"""The first page: search, and the images that most people want."""

from __future__ import annotations

from starlette.responses import Response

from capas.hub.finding.query import Filters, Query
from capas.hub.finding.search import search
from capas.hub.pages.frame import page_route
from capas.hub.pages.visit import Visit

_SHOWN = 6


def show_home(visit: Visit) -> Response:
    """The first page."""
    hub, reader = visit.hub, visit.identity
    official = search(hub, reader, Query(filters=Filters(official=True), order="pulls", limit=_SHOWN))
    popular = search(hub, reader, Query(filters=Filters(official=False), order="pulls", limit=_SHOWN))
    return visit.page("home.html", official=official, popular=popular)


ROUTES = [page_route("/", show=show_home)]
