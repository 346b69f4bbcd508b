"""A repository's pages: what it is for, and its tags."""

from __future__ import annotations

from starlette.responses import Response

from capas.hub.finding.tags import TagQuery, list_tags
from capas.hub.pages.about import get_about, has_tag
from capas.hub.pages.frame import page_route
from capas.hub.pages.pager import read_pager
from capas.hub.pages.readme import render_readme
from capas.hub.pages.trends import read_trend
from capas.hub.pages.visit import Visit

_TAGS = 50


def show_repository(visit: Visit) -> Response:
    """What it is for: its README, how to pull it, its newest tag."""
    about = get_about(visit, visit.path_text("name"))
    newest = list_tags(visit.hub, about.name, TagQuery(limit=5))
    return visit.page(
        "repository.html",
        about=about,
        newest=newest,
        usual="latest" if not newest.tags or has_tag(visit, about.number, "latest") else newest.tags[0].name,
        readme=render_readme(about.readme),
        trend=read_trend(visit, about.number, about.stars),
    )


def show_tags(visit: Visit) -> Response:
    """Its tags, a page of them; those with some letters in their name."""
    about = get_about(visit, visit.path_text("name"))
    asked = visit.request.query_params
    text, order = asked.get("q", "").strip()[:128], asked.get("order", "newest")
    pager = read_pager(visit, _TAGS)
    query = TagQuery(text, "name" if order == "name" else "newest", _TAGS, pager.offset)
    found = list_tags(visit.hub, about.name, query)
    return visit.page(
        "tags.html",
        block="rows" if visit.is_partial else "",
        about=about,
        query=query,
        tags=found.tags,
        pager=pager._replace(total=found.total),
    )


ROUTES = [
    page_route("/r/{name:path}/-/tags", show=show_tags),
    page_route("/r/{name:path}", show=show_repository),
]
