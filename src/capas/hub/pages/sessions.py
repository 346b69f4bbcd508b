"""Where a person is logged in: browsers, and clients with an identity token. Each can be ended."""

from __future__ import annotations

import re

from starlette.responses import Response

from capas.hub.pages.cookies import SESSION, read_cookie
from capas.hub.pages.frame import page_route
from capas.hub.pages.login import by_visitor
from capas.hub.pages.visit import Visit
from capas.hub.people.sessions import end_session, list_sessions, name_of

# as browsers call themselves; each of them also says the names that come after it
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEM = re.compile(r"Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux")


def show_sessions(visit: Visit) -> Response:
    """The list, this very one marked."""
    user = visit.require_person()
    found = list_sessions(visit.hub.database, user, visit.hub.now_ns())
    here = name_of(read_cookie(visit.request, SESSION))
    providers = {key: one.config.title or key for key, one in visit.hub.doors.providers.items()}
    shown = [(one, describe(one.client)) for one in found]
    return visit.page("sessions.html", sessions=shown, here=here, providers=providers)


def stop_session(visit: Visit) -> Response:
    """End one."""
    user = visit.require_person()
    id = str(visit.form.get("id", ""))
    end_session(visit.hub.database, user, id, by_visitor(visit, visit.identity.name))
    return visit.redirect("/settings/sessions", said=visit.say("That session has ended."))


def describe(agent: str) -> str:
    """A browser's name and system, of what it says of itself: `Firefox, Linux`. Another client's name as it is."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = _SYSTEM.search(agent)
    return ", ".join(filter(None, (browser, system[0] if system else ""))) or agent or "?"


ROUTES = [page_route("/settings/sessions", show=show_sessions, change=stop_session)]
