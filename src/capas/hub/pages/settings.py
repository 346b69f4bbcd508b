"""A person's own settings: who they are, and their password."""

from __future__ import annotations

from starlette.responses import Response

from capas.errors import Invalid, NotFound
from capas.hub.pages.acting import act, chosen, field
from capas.hub.pages.frame import page_route
from capas.hub.pages.visit import Visit
from capas.hub.people import accounts
from capas.hub.people.accounts import User, find_user
from capas.hub.people.login import prove
from capas.hub.people.namespaces import USER, set_profile

_PLACE = "/settings"


def show_settings(visit: Visit, *, error: str = "") -> Response:
    """Profile and password."""
    visit.require_person()
    return visit.page("settings.html", user=get_visitor(visit), error=error)


def change_settings(visit: Visit) -> Response:
    """The form `do`."""
    visit.require_person()
    works = {"profile": lambda: _change_profile(visit), "password": lambda: _change_password(visit)}
    return act(visit, show_settings, chosen(visit, works), _PLACE)


def get_visitor(visit: Visit) -> User:
    """The account of whoever reads the page. Raises: NotFound."""
    found = find_user(visit.hub.database, visit.identity.name)
    if found is None:
        raise NotFound("there is no such user: {name}", name=visit.identity.name)
    return found


def _change_profile(visit: Visit) -> str:
    name, database = visit.identity.name, visit.hub.database
    accounts.set_email(database, name, field(visit, "email"), visit.by)
    values = {key: field(visit, key)[:2000] for key in ("display_name", "description")}
    set_profile(database, name, USER, values, visit.by)
    return visit.say("Your profile was saved.")


def _change_password(visit: Visit) -> str:
    new = str(visit.form.get("new", ""))
    if new != str(visit.form.get("again", "")):
        raise Invalid("the two passwords differ")
    prove(visit.hub, str(visit.form.get("old", "")), visit.by)
    accounts.set_password(visit.hub.database, visit.identity.name, new, visit.by)
    return visit.say("You have another password now: log in with it.")


ROUTES = [page_route(_PLACE, show=show_settings, change=change_settings)]
