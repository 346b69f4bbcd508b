"""Logging in and out."""

from __future__ import annotations

from starlette.responses import Response

from capas.errors import CapasError, NotFound, Unauthenticated
from capas.hub.pages.cookies import SESSION, read_cookie, set_cookie
from capas.hub.pages.frame import page_route
from capas.hub.pages.visit import Visit
from capas.hub.people.accounts import User
from capas.hub.people.audit import By
from capas.hub.people.limits import TooMany
from capas.hub.people.login import check_login
from capas.hub.people.sessions import PAGE_SECONDS, log_out, start_session


def show_login(visit: Visit) -> Response:
    """The form; for whoever is logged in already, where it would lead."""
    need_accounts(visit)
    after = visit.request.query_params.get("next", "/")
    if visit.identity.user is not None:
        return visit.redirect(after)
    return _show(visit, after)


def log_in(visit: Visit) -> Response:
    """Check the password and stay logged in."""
    need_accounts(visit)
    name, after = str(visit.form.get("name", "")).strip(), str(visit.form.get("next", "/"))
    try:
        password = str(visit.form.get("password", ""))
        user = check_login(visit.hub.database, visit.hub.doors.proofs, password, by_visitor(visit, name))
    except (Unauthenticated, TooMany) as error:
        return _show_refusal(visit, error, name, after)
    return stay(visit, user, after)


def stay(visit: Visit, user: User, path: str) -> Response:
    """Go on as this user. Each login has a session of its own, whatever cookie the browser had before."""
    secret, by = visit.hub.new_token(), by_visitor(visit, user.name)
    agent = visit.request.headers.get("user-agent", "")
    visit.hub.database.write(lambda db: start_session(db, user.number, secret, "page", client=agent, by=by))
    response = visit.redirect(path)
    set_cookie(visit.request, response, SESSION, secret, seconds=PAGE_SECONDS)
    return response


def leave(visit: Visit) -> Response:
    """End the session."""
    cookie = read_cookie(visit.request, SESSION)
    if cookie:
        log_out(visit.hub.database, cookie)
    response = visit.redirect("/")
    set_cookie(visit.request, response, SESSION, "")
    return response


def by_visitor(visit: Visit, name: str) -> By:
    """Who does something here, from where."""
    return By(name, visit.hub.doors.origins.find_address(visit.request.scope), visit.hub.now_ns())


def need_accounts(visit: Visit) -> None:
    """Raises: NotFound in an open hub."""
    if visit.hub.options.open:
        raise NotFound("this hub is open: nobody has an account in it")


def _show_refusal(visit: Visit, error: CapasError, name: str, after: str) -> Response:
    status = 429 if isinstance(error, TooMany) else 401
    said = visit.say(error.message, **error.facts)
    response = _show(visit, after, status=status, name=name, error=said)
    if isinstance(error, TooMany):
        response.headers["retry-after"] = str(error.seconds)
    return response


def _show(visit: Visit, after: str, *, status: int = 200, name: str = "", error: str = "") -> Response:
    providers = {key: one.config.title or key for key, one in visit.hub.doors.providers.items()}
    return visit.page("login.html", status=status, next=after, name=name, error=error, providers=providers)


ROUTES = [page_route("/login", show=show_login, change=log_in), page_route("/logout", change=leave)]
