"""What one-time links lead to: the first administrator's account, an invitation, a new password."""

from __future__ import annotations

from starlette.responses import Response

from capas.errors import AlreadyExists, CapasError, Invalid
from capas.hub.pages.frame import page_route
from capas.hub.pages.login import by_visitor, need_accounts, stay
from capas.hub.pages.visit import Visit
from capas.hub.people.accounts import NewUser
from capas.hub.people.links import Link, accept, find_link, reset_password


def show_link(visit: Visit) -> Response:
    """The form that the link is for."""
    need_accounts(visit)
    return _show(visit, find_link(visit.hub.database, visit.path_text("secret"), visit.hub.now_ns()))


def use_link(visit: Visit) -> Response:
    """Do what it is for, and log in."""
    need_accounts(visit)
    hub, secret, form = visit.hub, visit.path_text("secret"), visit.form
    link = find_link(hub.database, secret, hub.now_ns())
    name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
    try:
        if password != str(form.get("again", "")):
            raise Invalid("the two passwords are not the same")
        if link.user is None:
            user = accept(hub.database, secret, NewUser(name, password), by_visitor(visit, name))
        else:
            user = reset_password(hub.database, secret, password, by_visitor(visit, link.user.name))
    except (Invalid, AlreadyExists) as error:
        return _show(visit, link, name=name, error=error)
    return stay(visit, user, "/")


def _show(visit: Visit, link: Link, *, name: str = "", error: CapasError | None = None) -> Response:
    said = "" if error is None else visit.say(error.message, **error.facts)
    hint = "" if error is None else visit.say(error.hint_template, **error.facts)
    response = visit.page("link.html", status=400 if error else 200, link=link, name=name, error=said, hint=hint)
    response.headers["referrer-policy"] = "no-referrer"  # its address is a secret
    response.headers["cache-control"] = "no-store"
    return response


ROUTES = [page_route("/link/{secret}", show=show_link, change=use_link)]
