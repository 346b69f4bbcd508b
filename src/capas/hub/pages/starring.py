"""The star of a repository: put there and taken back by a button."""

from __future__ import annotations

from starlette.responses import Response

from capas.hub.finding.stars import star, unstar
from capas.hub.pages.about import get_about
from capas.hub.pages.frame import page_route
from capas.hub.pages.visit import Visit


def change_star(visit: Visit) -> Response:
    """Put the reader's star there, or take it back; the button anew for htmx, the repository's page for others."""
    about = get_about(visit, visit.path_text("name"))
    user = visit.require_person()
    change = star if visit.form.get("star") else unstar
    stars = change(visit.hub.database, user, about.number, visit.hub.now_ns())
    if visit.is_partial:
        return visit.page("star.html", about=about._replace(stars=stars.total, is_starred=stars.is_mine))
    return visit.redirect(about.path)


ROUTES = [page_route("/r/{name:path}/-/star", change=change_star)]
