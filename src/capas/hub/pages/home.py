"""The first page: search, and the images that most people want."""

from __future__ import annotations

from starlette.responses import Response

from capas.hub.pages.frame import page_route
from capas.hub.pages.visit import Visit


def show_home(visit: Visit) -> Response:
    """The first page."""
    return visit.page("home.html")


ROUTES = [page_route("/", show=show_home)]
