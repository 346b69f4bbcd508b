"""Administration: the upstreams of the hub's cache, what is held of each and how each is."""

from __future__ import annotations

from starlette.responses import Response

from capas.hub.copying.standing import list_standing
from capas.hub.pages.frame import page_route
from capas.hub.pages.visit import Visit
from capas.hub.people.required import require_admin


def show_upstreams(visit: Visit) -> Response:
    """One card an upstream."""
    require_admin(visit.hub, visit.identity)
    return visit.page("upstreams.html", upstreams=list_standing(visit.hub))


ROUTES = [page_route("/admin/upstreams", show=show_upstreams)]
