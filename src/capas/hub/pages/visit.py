"""One request for a page: who asks, in which language, and the ways to answer."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from capas.errors import Invalid, Unauthenticated
from capas.hub.hub import Hub
from capas.hub.pages.cookies import (
    LANGUAGE,
    SAID,
    SESSION,
    THEME,
    VISIT,
    YEAR_SECONDS,
    read_cookie,
    set_cookie,
)
from capas.hub.pages.forms import FIELD, make_token
from capas.hub.pages.speech import LANGUAGES, choose_language
from capas.hub.people.access import Action, Identity
from capas.hub.people.audit import By
from capas.hub.people.required import require
from capas.language import say, write_number

THEMES = ("auto", "light", "dark")
_SAID_BYTES = 1500


class Visit:
    """A request on its way through the pages."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.hub: Hub = request.app.state.hub
        self.identity = Identity()
        self.form = FormData()
        self.language = choose_language(request)
        self.theme = _choose_theme(request)
        self._anchor = read_cookie(request, SESSION) or read_cookie(request, VISIT)
        self._new_anchor = ""
        self._said: str | None = None

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks for a piece of the page."""
        return "hx-request" in self.request.headers

    def path_text(self, name: str) -> str:
        """A part of the path that the route names."""
        return str(self.request.path_params[name])

    def say(self, text: str, /, **facts: object) -> str:
        """A text in the reader's language."""
        return say(text, facts, self.language)

    @property
    def by(self) -> By:
        """Who does what the form asks, for the audit log."""
        address = self.hub.doors.origins.find_address(self.request.scope)
        return By(self.identity.name, address, self.hub.now_ns())

    def say_role(self, role: str) -> str:
        """A role in the reader's language."""
        known = {
            "reader": self.say("reader"),
            "creator": self.say("creator"),
            "writer": self.say("writer"),
            "maintainer": self.say("maintainer"),
            "owner": self.say("owner"),
        }
        return known.get(role, role)

    def say_number(self, one: str, many: str, n: int, **facts: object) -> str:
        """The text for one, or that for any other number, which is the fact `n`."""
        return say(one if n == 1 else many, {"n": write_number(n, self.language), **facts}, self.language)

    def may(self, repository: str, action: Action) -> bool:
        """Whether the reader may do this there."""
        return self.hub.authorise(self.identity, repository, action)

    def require(self, repository: str, action: Action) -> None:
        """Raises: NotFound as for a repository that is not there, Denied where it may be known but this not be done."""
        require(self.hub, self.identity, repository, action)

    def require_person(self) -> int:
        """The reader's number. Raises: Unauthenticated, which becomes a way to the login page and back."""
        if self.identity.user is None:
            raise Unauthenticated("log in to see this page")
        return self.identity.user

    def page(self, template: str, *, status: int = 200, block: str = "", **facts: Any) -> Response:
        """A page, or one block of it (for htmx)."""
        environment: Environment = self.request.app.state.environment
        found = environment.get_template(template)
        context = {**self._context(), **facts}
        text = "".join(found.blocks[block](found.new_context(context))) if block else found.render(context)
        return HTMLResponse(text, status)

    def redirect(self, path: str, *, said: str = "") -> Response:
        """Go on to a path of this hub, where `said` is shown once."""
        place = path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
        response = RedirectResponse(quote(place, safe="/?=&%#+:@,~"), 303)
        if said:
            packed = base64.urlsafe_b64encode(said.encode()[:_SAID_BYTES]).decode()
            set_cookie(self.request, response, SAID, packed, seconds=60)
        return response

    def csrf(self) -> Markup:
        """The hidden field that every form has."""
        return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, self.csrf_token())

    def csrf_token(self) -> str:
        """The token alone, for a header."""
        if not self._anchor:
            self._anchor = self._new_anchor = self.hub.new_token()
        return make_token(self._anchor)

    def leave_cookies(self, response: Response) -> None:
        """What this visit leaves with the browser: choices made by address, the form's cookie, what was said once."""
        request, chosen = self.request, self.request.query_params
        if chosen.get("lang") in LANGUAGES:
            set_cookie(request, response, LANGUAGE, self.language, seconds=YEAR_SECONDS)
        if chosen.get("theme") in THEMES:
            set_cookie(request, response, THEME, self.theme, seconds=YEAR_SECONDS)
        if self._new_anchor:
            set_cookie(request, response, VISIT, self._new_anchor)
        if self._said is not None:
            set_cookie(request, response, SAID, "")

    def pop_said(self) -> str:
        """What the form before had to say; an empty string where nothing."""
        packed = read_cookie(self.request, SAID)
        if not packed:
            return ""
        try:
            self._said = base64.urlsafe_b64decode(packed.encode()).decode("utf-8", "replace")
        except ValueError:
            self._said = ""
        return self._said

    def turned(self, **choices: str) -> str:
        """This very page's query with other choices in it: `?q=x&lang=es`."""
        return "?" + self.request.url.include_query_params(**choices).query

    def _host(self) -> str:
        """What clients call this hub: the first part of the names that they pull."""
        try:
            return self.hub.doors.origins.find(self.request.scope).host
        except Invalid:
            return "localhost"

    def _context(self) -> dict[str, Any]:
        return {
            "visit": self,
            "identity": self.identity,
            "has_accounts": not self.hub.options.open,
            "language": self.language,
            "languages": LANGUAGES,
            "theme": self.theme,
            "host": self._host(),
            "now_ns": self.hub.now_ns(),
            "csrf": self.csrf,
            "_": self.say,
            "_role": self.say_role,
            "_n": self.say_number,
        }


def _choose_theme(request: Request) -> str:
    for wanted in (request.query_params.get("theme", ""), read_cookie(request, THEME)):
        if wanted in THEMES:
            return wanted
    return "auto"
