"""Pages for what goes wrong: they say what, and what to do, and nothing of what the reader may not know."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from capas import errors
from capas.hub.finding.suggest import suggest
from capas.hub.pages.visit import Visit

_STATUS: tuple[tuple[type[errors.CapasError], int], ...] = (
    (errors.NotFound, 404),
    (errors.Unauthenticated, 401),
    (errors.Denied, 403),
    (errors.Invalid, 400),
    (errors.AlreadyExists, 409),
    (errors.Conflict, 409),
)
_OWN = 500  # the hub's own trouble: its words stay in the log


def show_error(visit: Visit, error: errors.CapasError) -> Response:
    """The page of an error; for whoever is not logged in, and could be, the way there."""
    path = visit.request.url.path
    if isinstance(error, errors.Unauthenticated) and visit.request.method == "GET" and path != "/login":
        return visit.redirect("/login?next=" + quote(path, safe="/"))
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), _OWN)
    if status == _OWN:
        return show_fault(visit)
    repository = error.facts.get("repository", "") if status == 404 else ""
    meant = suggest(visit.hub, visit.identity, str(repository)) if repository else []
    said = visit.say(error.message, **error.facts)
    what = said if error.message.startswith("{") else said[:1].upper() + said[1:]  # a name stays as it is
    return visit.page(
        "error.html",
        status=status,
        code=status,
        what=what,
        hint=visit.say(error.hint_template, **error.facts),
        meant=meant,
    )


def show_fault(visit: Visit) -> Response:
    """The page of a fault of ours."""
    what = visit.say("The hub failed to answer. Its log says why.")
    return visit.page("error.html", status=_OWN, code=_OWN, what=what, hint="", meant=[])
