"""Where administrators make links: for somebody new, or for a password that was forgotten."""

from __future__ import annotations

from starlette.responses import Response

from capas.errors import Denied, NotFound
from capas.hub.pages.frame import page_route
from capas.hub.pages.login import by_visitor
from capas.hub.pages.visit import Visit
from capas.hub.people.links import make_link


def show_inviting(visit: Visit) -> Response:
    """The form."""
    _require_admin(visit)
    return visit.page("inviting.html", link="", name="", error="")


def make_one(visit: Visit) -> Response:
    """Make a link and show it, this once."""
    _require_admin(visit)
    hub, name = visit.hub, str(visit.form.get("name", "")).strip()
    secret = hub.new_token()
    try:
        make_link(hub.database, secret, name or None, by_visitor(visit, visit.identity.name))
    except NotFound as error:
        said = visit.say(error.message, **error.facts)
        return visit.page("inviting.html", status=404, link="", name=name, error=said)
    link = f"{hub.doors.origins.find(visit.request.scope).url}/link/{secret}"
    response = visit.page("inviting.html", link=link, name=name, error="")
    response.headers["cache-control"] = "no-store"
    return response


def _require_admin(visit: Visit) -> None:
    visit.require_person()
    if not visit.hub.rights.is_admin(visit.identity):
        raise Denied("only administrators of the hub may do this")


ROUTES = [page_route("/admin/links", show=show_inviting, change=make_one)]
