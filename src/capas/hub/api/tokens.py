"""Access tokens of people, and robots of namespaces. A secret is in the answer that makes it, and in no other."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from capas.errors import Denied
from capas.hub.api.operation import Ask, Operation, Page, Taken
from capas.hub.people import tokens
from capas.hub.people.access import Role, Scope
from capas.hub.people.required import require_role, require_self
from capas.hub.people.tokens import PERSONAL, ROBOT, NewToken, Token


class Bound(Taken, frozen=True):
    """Repositories by pattern (`acme/*`), and what the token may do there at most."""

    repositories: Annotated[str, Meta(max_length=255)]
    role: Role


class TokenSeen(msgspec.Struct, frozen=True):
    """A token without its secret. `scopes`: null for all that its person may do. `used_ns` is 0 where it never was."""

    name: str
    login: str
    scopes: list[Bound] | None
    created_ns: int
    expires_ns: int | None
    used_ns: int


class TokenMade(msgspec.Struct, frozen=True):
    """A new token, shown this once. Log in as `login` with `token` as the password."""

    name: str
    login: str
    token: str


class TokenWanted(Taken, frozen=True):
    """A token to be made. Without `scopes` it may all that its person may; without `days` it lasts until revoked."""

    name: str
    scopes: Annotated[list[Bound], Meta(min_length=1, max_length=100)] | None = None
    days: Annotated[int, Meta(ge=1, le=3660)] | None = None


class RobotWanted(Taken, frozen=True):
    """A robot to be made, for repositories of its namespace alone."""

    name: str
    scopes: Annotated[list[Bound], Meta(min_length=1, max_length=100)]
    days: Annotated[int, Meta(ge=1, le=3660)] | None = None


def list_tokens(ask: Ask, name: str) -> Page[TokenSeen]:
    """Your access tokens, by name; administrators see those of others."""
    _require_owner(ask, name)
    return _list(ask, name, PERSONAL)


def create_token(ask: Ask, name: str, *, body: TokenWanted) -> TokenMade:
    """Make yourself an access token. Not with a token that is bounded itself."""
    require_self(ask.hub, ask.identity, name)
    return _make(ask, NewToken(name, body.name, _bounds(body.scopes), body.days, PERSONAL))


def revoke_token(ask: Ask, name: str, token: str) -> None:
    """Revoke an access token: it lets nobody in any more. For its person and administrators."""
    _require_owner(ask, name)
    tokens.revoke_token(ask.hub.database, name, PERSONAL, token, ask.by)


def list_robots(ask: Ask, namespace: str) -> Page[TokenSeen]:
    """The robots of a namespace, by name. For its owners."""
    require_role(ask.hub, ask.identity, namespace, "owner")
    return _list(ask, namespace, ROBOT)


def create_robot(ask: Ask, namespace: str, *, body: RobotWanted) -> TokenMade:
    """Make a robot. For owners of the namespace."""
    require_role(ask.hub, ask.identity, namespace, "owner")
    return _make(ask, NewToken(namespace, body.name, _bounds(body.scopes), body.days, ROBOT))


def revoke_robot(ask: Ask, namespace: str, robot: str) -> None:
    """Revoke a robot: it comes in no more. For owners of the namespace."""
    require_role(ask.hub, ask.identity, namespace, "owner")
    tokens.revoke_token(ask.hub.database, namespace, ROBOT, robot, ask.by)


def _require_owner(ask: Ask, name: str) -> None:
    if not ask.hub.rights.is_admin(ask.identity):
        require_self(ask.hub, ask.identity, name)


def _make(ask: Ask, new: NewToken) -> TokenMade:
    if ask.hub.options.open:
        raise Denied("this hub is open to everybody: it has no accounts")
    shown = tokens.create_token(ask.hub.database, new, ask.hub.new_token(), ask.by)
    login = f"{new.namespace}+{new.name}" if new.kind == ROBOT else new.namespace
    return TokenMade(new.name, login, shown)


def _list(ask: Ask, namespace: str, kind: str) -> Page[TokenSeen]:
    return Page([_seen(one) for one in tokens.list_tokens(ask.hub.database, namespace, kind)])


def _seen(one: Token) -> TokenSeen:
    scopes = None if one.scopes is None else [Bound(*scope) for scope in one.scopes]
    return TokenSeen(one.name, one.login, scopes, one.created_ns, one.expires_ns, one.used_ns)


def _bounds(scopes: list[Bound] | None) -> tuple[Scope, ...] | None:
    return None if scopes is None else tuple(Scope(one.repositories, one.role) for one in scopes)


OPERATIONS = (
    Operation("GET", "/users/{name}/tokens", list_tokens),
    Operation("POST", "/users/{name}/tokens", create_token, status=201),
    Operation("DELETE", "/users/{name}/tokens/{token}", revoke_token),
    Operation("GET", "/robots/{namespace}", list_robots),
    Operation("POST", "/robots/{namespace}", create_robot, status=201),
    Operation("DELETE", "/robots/{namespace}/{robot}", revoke_robot),
)
