"""Cookies: their names, and the flags that all of them have."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from capas.hub.hub import Hub

SESSION = "capas_session"  # who is logged in; set by the login
VISIT = "capas_visit"  # what forms are bound to before a login
LANGUAGE = "capas_language"
THEME = "capas_theme"
OIDC = "capas_oidc"  # a login by an identity provider that is under way
SAID = "capas_said"  # what the page after a form has to say, once

YEAR_SECONDS = 365 * 24 * 3600


def is_secure(request: Request) -> bool:
    """Whether the reader came by https, also where a proxy ended it."""
    hub: Hub = request.app.state.hub
    return hub.doors.origins.find_scheme(request.scope) == "https"


def cookie_name(request: Request, name: str) -> str:
    """By https with the prefix under which a browser takes it from this very host alone."""
    return f"__Host-{name}" if is_secure(request) else name


def read_cookie(request: Request, name: str) -> str:
    """Its value, or an empty string."""
    return request.cookies.get(cookie_name(request, name), "")


def set_cookie(request: Request, response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """Set it: out of reach of scripts, not sent along by other sites' forms, https alone where that is spoken.

    `seconds`: how long it lives; None: until the browser is closed. An empty value deletes it.
    """
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=seconds if value else 0,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
