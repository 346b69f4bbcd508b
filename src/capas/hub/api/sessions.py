"""Where a person is logged in, and links by which others come in."""

from __future__ import annotations

import msgspec

from capas.errors import Denied
from capas.hub.api.operation import Ask, Operation, Page, Taken
from capas.hub.people.links import LIFE_NS, make_link
from capas.hub.people.sessions import end_session, list_sessions


class Login(msgspec.Struct, frozen=True):
    """A browser, or a client with an identity token (`kind`: page | client), that stays logged in."""

    id: str
    kind: str
    client: str
    address: str
    created_ns: int
    used_ns: int
    expires_ns: int


class NewLink(Taken, frozen=True):
    """Whose password the link sets; null: an invitation for somebody new."""

    user: str | None = None


class MadeLink(msgspec.Struct, frozen=True):
    """A link that works once. `path` follows the hub's address, and is shown this once."""

    path: str
    purpose: str
    expires_ns: int


def list_logins(ask: Ask) -> Page[Login]:
    """Where you are logged in."""
    found = list_sessions(ask.hub.database, _require_person(ask), ask.hub.now_ns())
    return Page([Login(*one) for one in found])


def end_login(ask: Ask, id: str) -> None:
    """Log out there."""
    end_session(ask.hub.database, _require_person(ask), id, ask.by)


def create_link(ask: Ask, *, body: NewLink) -> MadeLink:
    """Make a link that invites somebody, or sets another password. For administrators."""
    if ask.hub.options.open or not ask.hub.rights.is_admin(ask.identity):
        raise Denied("only administrators of the hub may do this")
    secret, by = ask.hub.new_token(), ask.by
    purpose = make_link(ask.hub.database, secret, body.user, by)
    return MadeLink(f"/link/{secret}", purpose, by.now_ns + LIFE_NS)


def _require_person(ask: Ask) -> int:
    """Raises: Denied for robots, and for tokens that are bounded to repositories."""
    person = ask.hub.rights.person_of(ask.identity)
    if person is None:
        raise Denied("only a person may do this, with a login that is not bounded to repositories")
    return person.number


OPERATIONS = (
    Operation("GET", "/sessions", list_logins),
    Operation("DELETE", "/sessions/{id}", end_login),
    Operation("POST", "/links", create_link, status=201),
)
