"""The frame that every page stands in, and how to add one.

**A page** is a module of `hub/pages/` with `ROUTES`, and a line in `_gather` of `hub/site.py`:

    def show_keys(visit: Visit) -> Response:
        keys = visit.hub.database.read(list_keys)
        return visit.page("keys.html", keys=keys)

    def add_key(visit: Visit) -> Response:
        visit.require_person()                       # Unauthenticated: the login page, and back
        name = visit.form.get("name", "")            # a POST's fields; its CSRF token was checked already
        ...
        return visit.redirect("/settings/keys", said=visit.say("The key {name} was added.", name=name))

    ROUTES = [page_route("/settings/keys", show=show_keys, change=add_key)]

Handlers are plain functions that run in one of the hub's threads: they ask the database directly, and may block.
What goes wrong is raised as one of Capas' errors (`NotFound`, `Denied`, `Invalid`, …) and becomes a page of that kind.
`visit.require(repository, "manage")` raises the NotFound of a repository that is not there for whoever may not know it.

**A template** (`templates/keys.html`) extends the layout:

    {% extends "layout.html" %}
    {% import "parts.html" as parts with context %}
    {% block title %}{{ _("Keys") }}{% endblock %}
    {% block main %}
    <h1>{{ _("Keys") }}</h1>
    <form method="post" action="/settings/keys">{{ csrf() }} … <button>{{ _("Add") }}</button></form>
    {% endblock %}

- Texts: `_("Hello {name}", name=n)`, `_n("{n} key", "{n} keys", n)`; `visit.say(…)` in Python. All go into `es.json`
  (`tests/support/words.py` lists what is missing), so they are literals.
- Everything printed is escaped, and control and bidirectional characters are made visible. `|safe` is for nobody.
- Filters: `|bytes`, `|count`, `|ago` (nanoseconds), `|date`, `|short` (a digest), `|clip(n)` (huge values).
- No inline script, style or handler: the CSP refuses them. Looks are classes of `static/capas.css`; look there first
  (`card`, `table`, `badge`, `button`, `field`, `notice`, `tabs`, `muted`, `actions`, `danger`).
- Forms work without a script. htmx (`hx-get`, `hx-target`, …) may make them smoother; `visit.page(…, block="rows")`
  renders one block alone where `visit.is_partial`.
- A form must not be answered with a redirect to another host (`form-action 'self'`): use a link for that.

**A test** (`tests/web/`) takes the fixtures `browser_page` and `check_page`: see `tests/web/conftest.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from capas.errors import CapasError, NotFound
from capas.hub.hub import Hub
from capas.hub.pages.cookies import SESSION, read_cookie
from capas.hub.pages.errors import show_error, show_fault
from capas.hub.pages.forms import check_form, read_form
from capas.hub.pages.headers import secure
from capas.hub.pages.visit import Visit
from capas.hub.people.who import identify_session

Handler = Callable[[Visit], Response]

_LOG = logging.getLogger("capas.hub")


def page_route(path: str, *, show: Handler | None = None, change: Handler | None = None) -> Route:
    """A route of the pages: `show` answers GET and HEAD, `change` answers POST after its CSRF token was checked."""
    handlers = {"GET": show, "HEAD": show, "POST": change}
    methods = [method for method, handler in handlers.items() if handler]

    async def endpoint(request: Request) -> Response:
        handler = handlers[request.method]
        assert handler is not None
        return await visit_page(request, handler)

    return Route(path, endpoint, methods=methods)


async def visit_page(request: Request, handler: Handler) -> Response:
    """Answer a request with a handler, in a thread, or with the page of what went wrong."""
    hub: Hub = request.app.state.hub
    visit = Visit(request)
    try:
        await hub.turn()
        visit.identity = await identify_session(hub, read_cookie(request, SESSION))
        if request.method == "POST":
            visit.form = await read_form(request)
            check_form(visit)
        response = await hub.hop(handler, visit)
    except CapasError as error:
        _LOG.debug("%s %s: %s", request.method, request.url.path, error)
        response = await hub.hop(show_error, visit, error)
    except Exception:
        _LOG.exception("%s %s", request.method, request.url.path)
        response = await hub.hop(show_fault, visit)
    visit.leave_cookies(response)
    secure(response)
    return response


async def show_missing(request: Request, _error: Exception) -> Response:
    """The page for an address that nothing is at."""

    def miss(_visit: Visit) -> Response:
        raise NotFound("there is nothing at this address")

    return await visit_page(request, miss)
