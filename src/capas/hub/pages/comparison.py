"""The page that compares two tags of a repository."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from capas.hub.pages.about import get_about, list_newest_names
from capas.hub.pages.differences import compare
from capas.hub.pages.drawing import share
from capas.hub.pages.frame import page_route
from capas.hub.pages.reading import read_shown
from capas.hub.pages.visit import Visit


def show_comparison(visit: Visit) -> Response:
    """What differs from one tag to another; a form where they are not both named."""
    about = get_about(visit, visit.path_text("name"))
    asked = visit.request.query_params
    names = [asked.get("from", "").strip(), asked.get("to", "").strip()]
    offered = list_newest_names(visit, about.number)
    facts: dict[str, Any] = {"about": about, "names": names, "offered": offered}
    if not all(names):
        return visit.page("comparison.html", difference=None, **facts)
    old, new = (read_shown(visit.hub, about.name, name, asked.get("platform", "")) for name in names)
    difference = compare(old, new)
    most = max(old.size, new.size)
    owns = (difference.removed_bytes, difference.added_bytes)
    return visit.page(
        "comparison.html",
        difference=difference,
        old=old,
        new=new,
        bars=[(share(difference.shared_bytes, most), share(own, most)) for own in owns],
        **facts,
    )


ROUTES = [page_route("/r/{name:path}/-/compare", show=show_comparison)]
