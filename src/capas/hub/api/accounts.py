"""Accounts: who is here, what each says of themselves, and what administrators decide."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from capas.hub.api.operation import Ask, Operation, Page, Paging, Taken
from capas.hub.people import accounts
from capas.hub.people.accounts import NewUser, User
from capas.hub.people.closing import delete_user
from capas.hub.people.login import prove
from capas.hub.people.namespaces import USER, rename_namespace, set_profile
from capas.hub.people.required import is_self, not_yours, require_admin, require_self

Line = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=2000)]
Password = Annotated[str, Meta(max_length=2000)]


class Account(msgspec.Struct, frozen=True):
    """A person. `email`, `is_admin` and `is_active` are null for others than this person and administrators."""

    name: str
    display_name: str
    description: str
    created_ns: int
    email: str | None = None
    is_admin: bool | None = None
    is_active: bool | None = None


class UserSearch(Paging, frozen=True):
    """`words`: what name, full name or address have to contain."""

    words: Line = ""


class NewAccount(Taken, frozen=True):
    """An account to be made. Without a password it comes in by another door."""

    name: str
    password: Password | None = None
    display_name: Line = ""
    email: Line = ""
    is_admin: bool = False


class Profile(Taken, frozen=True, omit_defaults=True):
    """What a person says of themselves; what is not given stays."""

    display_name: Line | None = None
    description: Text | None = None
    email: Line | None = None


class Standing(Taken, frozen=True):
    """What administrators decide; what is not given stays."""

    is_admin: bool | None = None
    is_active: bool | None = None


class NewPassword(Taken, frozen=True):
    """`old` is the present one; administrators leave it out for others."""

    new: Password
    old: Password = ""


class NewName(Taken, frozen=True):
    """Another name."""

    name: str


class Ending(Taken, frozen=True):
    """`repositories`: delete those too, with all that they hold."""

    repositories: bool = False


def list_users(ask: Ask, *, query: UserSearch) -> Page[Account]:
    """The accounts, by name. For administrators."""
    require_admin(ask.hub, ask.identity)
    found = accounts.list_users(ask.hub.database, after=query.after, limit=query.limit, words=query.words)
    return Page([_whole(user) for user in found], found[-1].name if len(found) == query.limit else None)


def create_user(ask: Ask, *, body: NewAccount) -> Account:
    """Make an account. For administrators."""
    require_admin(ask.hub, ask.identity)
    new = NewUser(body.name, body.password, body.display_name, body.email, body.is_admin)
    return _whole(accounts.create_user(ask.hub.database, new, ask.by))


def get_user(ask: Ask, name: str) -> Account:
    """A person."""
    return _show(ask, name)


def change_user(ask: Ask, name: str, *, body: Profile) -> Account:
    """Change what a person says of themselves. For this person and administrators."""
    _require_self_or_admin(ask, name)
    given = {key: value for key, value in msgspec.structs.asdict(body).items() if value is not None}
    email = given.pop("email", None)
    if email is not None:
        accounts.set_email(ask.hub.database, name, email, ask.by)
    set_profile(ask.hub.database, name, USER, given, ask.by)
    return _show(ask, name)


def set_standing(ask: Ask, name: str, *, body: Standing) -> Account:
    """Make an administrator or close an account. For administrators."""
    require_admin(ask.hub, ask.identity)
    if body.is_admin is not None:
        accounts.set_admin(ask.hub.database, name, body.is_admin, ask.by)
    if body.is_active is not None:
        accounts.set_active(ask.hub.database, name, body.is_active, ask.by)
    return _show(ask, name)


def set_password(ask: Ask, name: str, *, body: NewPassword) -> None:
    """Change a password; sessions in browsers end. For this person, and for administrators that of others."""
    if is_self(ask.hub, ask.identity, name):
        prove(ask.hub, body.old, ask.by)
    else:
        _require_self_or_admin(ask, name)
    accounts.set_password(ask.hub.database, name, body.new, ask.by)


def rename_user(ask: Ask, name: str, *, body: NewName) -> Account:
    """Call an account and its repositories otherwise. For administrators."""
    require_admin(ask.hub, ask.identity)
    rename_namespace(ask.hub.database, name, USER, body.name, ask.by)
    return _show(ask, body.name)


def remove_user(ask: Ask, name: str, *, query: Ending) -> None:
    """Delete an account. For administrators."""
    require_admin(ask.hub, ask.identity)
    delete_user(ask.hub.database, name, ask.by, with_repositories=query.repositories)


def _require_self_or_admin(ask: Ask, name: str) -> None:
    if not ask.hub.rights.is_admin(ask.identity):
        require_self(ask.hub, ask.identity, name)


def _show(ask: Ask, name: str) -> Account:
    user = accounts.find_user(ask.hub.database, name)
    if user is None:
        raise not_yours(name)
    if is_self(ask.hub, ask.identity, name) or ask.hub.rights.is_admin(ask.identity):
        return _whole(user)
    return Account(user.name, user.display_name, user.description, user.created_ns)


def _whole(user: User) -> Account:
    return Account(
        user.name, user.display_name, user.description, user.created_ns, user.email, user.is_admin, user.is_active
    )


OPERATIONS = (
    Operation("GET", "/users", list_users),
    Operation("POST", "/users", create_user, status=201),
    Operation("GET", "/users/{name}", get_user),
    Operation("PATCH", "/users/{name}", change_user),
    Operation("DELETE", "/users/{name}", remove_user),
    Operation("PUT", "/users/{name}/standing", set_standing),
    Operation("PUT", "/users/{name}/password", set_password),
    Operation("PUT", "/users/{name}/name", rename_user),
)
