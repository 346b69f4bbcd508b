"""Logging in by way of an identity provider: out to it, and back."""

from __future__ import annotations

import msgspec
from starlette.responses import RedirectResponse, Response

from capas.errors import CapasError, Denied, NotFound
from capas.hub.pages.cookies import OIDC, read_cookie, set_cookie
from capas.hub.pages.frame import page_route
from capas.hub.pages.login import by_visitor, need_accounts, stay
from capas.hub.pages.visit import Visit
from capas.hub.people.linked import enter, link
from capas.hub.people.oidc import ATTEMPT_SECONDS, Attempt, Provider
from capas.hub.spans import SECOND_NS
from capas.typed import from_json


def go_out(visit: Visit) -> Response:
    """Send the reader to the provider. Whoever is logged in and asks for it (`?link`) links the account."""
    need_accounts(visit)
    hub, query = visit.hub, visit.request.query_params
    name, provider = _provider(visit)
    attempt = Attempt(
        provider=name,
        state=hub.new_token(),
        nonce=hub.new_token(),
        verifier=hub.new_token(),
        next=query.get("next", "/"),
        until_ns=hub.now_ns() + ATTEMPT_SECONDS * SECOND_NS,
        user=visit.require_person() if "link" in query else None,
    )
    response = RedirectResponse(provider.begin(attempt, _back(visit, name)), 303)
    sealed = hub.seal.close(msgspec.json.encode(attempt).decode()).decode()
    set_cookie(visit.request, response, OIDC, sealed, seconds=ATTEMPT_SECONDS)
    return response


def come_back(visit: Visit) -> Response:
    """Log in whom the provider vouches for."""
    need_accounts(visit)
    name, provider = _provider(visit)
    attempt = _attempt(visit, name)
    claims = provider.finish(attempt, dict(visit.request.query_params), _back(visit, name))
    by = by_visitor(visit, visit.identity.name)
    if attempt.user is None:
        response = stay(visit, enter(visit.hub.database, provider.config, claims, by), attempt.next)
    else:
        if attempt.user != visit.identity.user:
            raise Denied("this login was not begun in this browser", hint="log in again")
        link(visit.hub.database, claims, attempt.user, by)
        response = visit.redirect(attempt.next, said=visit.say("From now on you can log in with it."))
    set_cookie(visit.request, response, OIDC, "")
    return response


def _provider(visit: Visit) -> tuple[str, Provider]:
    name = visit.path_text("provider")
    found = visit.hub.doors.providers.get(name)
    if found is None:
        raise NotFound("there is no identity provider {name} here", name=name[:100])
    return name, found


def _attempt(visit: Visit, name: str) -> Attempt:
    """What the cookie says of the login under way. Raises: Denied."""
    try:
        text = visit.hub.seal.open(read_cookie(visit.request, OIDC).encode())
        found = from_json(text, Attempt)
    except (CapasError, msgspec.MsgspecError):
        found = None
    if found is None or found.provider != name or found.until_ns <= visit.hub.now_ns():
        raise Denied("this login was not begun in this browser", hint="log in again")
    return found


def _back(visit: Visit, name: str) -> str:
    """Where the provider sends the reader back to."""
    return f"{visit.hub.doors.origins.find(visit.request.scope).url}/login/oidc/{name}/back"


ROUTES = [
    page_route("/login/oidc/{provider}", show=go_out),
    page_route("/login/oidc/{provider}/back", show=come_back),
]
