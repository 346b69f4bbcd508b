"""Access tokens of a person, and robots of a namespace: listed, made (and shown once), revoked."""

from __future__ import annotations

from starlette.responses import Response

from capas.errors import CapasError, Invalid
from capas.hub.pages.acting import act, field, role_field, words_of
from capas.hub.pages.frame import page_route
from capas.hub.pages.namespace_frame import Owned, get_owned
from capas.hub.pages.visit import Visit
from capas.hub.people.access import ROLES, Scope
from capas.hub.people.tokens import PERSONAL, ROBOT, NewToken, create_token, list_tokens, revoke_token

_MOST_DAYS = (30, 90, 365)


def show_tokens(visit: Visit, *, error: str = "", made: str = "", login: str = "") -> Response:
    """A person's own tokens."""
    visit.require_person()
    found = list_tokens(visit.hub.database, visit.identity.name, PERSONAL)
    return visit.page("tokens.html", tokens=found, error=error, made=made, login=login, roles=ROLES, days=_MOST_DAYS)


def change_tokens(visit: Visit) -> Response:
    """Make or revoke one."""
    visit.require_person()
    name = visit.identity.name
    if field(visit, "do") == "revoke":
        return act(visit, show_tokens, lambda: _revoke(visit, name, PERSONAL), "/settings/tokens")
    pattern = field(visit, "repositories")
    try:
        scopes = (Scope(pattern, role_field(visit)),) if pattern else None
        made = _make(visit, NewToken(name, field(visit, "name"), scopes, _days(visit), PERSONAL))
    except CapasError as error:
        return _again(show_tokens(visit, error=words_of(visit, error)))
    return show_tokens(visit, made=made, login=name)


def show_robots(visit: Visit, *, error: str = "", made: str = "", login: str = "") -> Response:
    """The robots of a namespace, for its owners."""
    owned = get_owned(visit, "owner")
    found = list_tokens(visit.hub.database, owned.name, ROBOT)
    return visit.page(
        "robots.html",
        owner=owned,
        tab="robots",
        tokens=found,
        error=error,
        made=made,
        login=login,
        roles=ROLES[:-1],
        days=_MOST_DAYS,
    )


def change_robots(visit: Visit) -> Response:
    """Make or revoke one."""
    owned = get_owned(visit, "owner")
    if field(visit, "do") == "revoke":
        return act(visit, show_robots, lambda: _revoke(visit, owned.name, ROBOT), f"{owned.path}/-/robots")
    try:
        made, login = _make_robot(visit, owned)
    except CapasError as error:
        return _again(show_robots(visit, error=words_of(visit, error)))
    return show_robots(visit, made=made, login=login)


def _make_robot(visit: Visit, owned: Owned) -> tuple[str, str]:
    pattern = field(visit, "repositories") or f"{owned.name}/*"
    new = NewToken(owned.name, field(visit, "name"), (Scope(pattern, role_field(visit)),), _days(visit), ROBOT)
    return _make(visit, new), f"{owned.name}+{new.name}"


def _make(visit: Visit, new: NewToken) -> str:
    return create_token(visit.hub.database, new, visit.hub.new_token(), visit.by)


def _revoke(visit: Visit, namespace: str, kind: str) -> str:
    name = field(visit, "name")
    revoke_token(visit.hub.database, namespace, kind, name, visit.by)
    return visit.say("{name} lets nobody in any more.", name=name)


def _days(visit: Visit) -> int | None:
    text = field(visit, "days")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Invalid("a token lasts from 1 to 3660 days")
    return int(text)


def _again(response: Response) -> Response:
    response.status_code = 400
    return response


ROUTES = [
    page_route("/settings/tokens", show=show_tokens, change=change_tokens),
    page_route("/u/{name}/-/robots", show=show_robots, change=change_robots),
]
