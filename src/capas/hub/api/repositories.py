"""What owners do with repositories: show, describe, rename, delete, and who may what in each."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from capas.errors import Unsupported
from capas.hub.api.accounts import Line, NewName
from capas.hub.api.operation import Ask, Operation, Page, Taken
from capas.hub.events import Happened
from capas.hub.people import repositories
from capas.hub.people.access import Role
from capas.hub.people.repositories import Grant, Repository
from capas.hub.people.required import missing, require


class RepositorySettings(msgspec.Struct, frozen=True):
    """What is said of a repository, and what the asker is in it."""

    name: str
    is_public: bool
    is_official: bool
    description: str
    readme: str
    role: Role | None


class Description(Taken, frozen=True):
    """What is not given stays. `description`: one line; `readme`: Markdown."""

    description: Line | None = None
    readme: Annotated[str, Meta(max_length=200_000)] | None = None


class Visibility(Taken, frozen=True):
    """`is_public`: whether anybody may pull."""

    is_public: bool


class GrantSeen(msgspec.Struct, frozen=True):
    """A role in this repository alone, of a person or a team."""

    kind: Literal["user", "team"]
    name: str
    role: Role


class GrantGiven(Taken, frozen=True):
    """A role for a person, or for a team of the repository's organisation."""

    kind: Literal["user", "team"]
    name: str
    role: Role


class Holder(Taken, frozen=True):
    """Whose role it is."""

    kind: Literal["user", "team"]
    name: str


def describe_repository(ask: Ask, name: str, *, body: Description) -> RepositorySettings:
    """Describe a repository. For its maintainers."""
    require(ask.hub, ask.identity, name, "delete")
    given = {key: value for key, value in msgspec.structs.asdict(body).items() if value is not None}
    _get(ask, name)
    repositories.describe(ask.hub.database, name, given, ask.by)
    return _show(ask, name)


def set_visibility(ask: Ask, name: str, *, body: Visibility) -> RepositorySettings:
    """Let anybody pull, or only those with a role. For owners."""
    require(ask.hub, ask.identity, name, "manage")
    repositories.set_visibility(ask.hub.database, name, body.is_public, ask.by)
    return _show(ask, name)


def rename_repository(ask: Ask, name: str, *, body: NewName) -> RepositorySettings:
    """Give a repository another name. For owners, of both namespaces if it is another one."""
    require(ask.hub, ask.identity, name, "manage")
    _get(ask, name)
    require(ask.hub, ask.identity, body.name, "manage")
    repositories.rename(ask.hub.database, name, body.name, ask.by)
    return _show(ask, body.name)


def remove_repository(ask: Ask, name: str) -> None:
    """Delete a repository with all tags and images. For owners."""
    require(ask.hub, ask.identity, name, "manage")
    _get(ask, name)
    delete_repository(ask, name)


def list_grants(ask: Ask, name: str) -> Page[GrantSeen]:
    """The roles given in a repository alone. For owners."""
    require(ask.hub, ask.identity, name, "manage")
    return Page([GrantSeen(*one) for one in repositories.list_grants(ask.hub.database, name)])


def set_grant(ask: Ask, name: str, *, body: GrantGiven) -> GrantSeen:
    """Give a person or a team a role in a repository. For owners."""
    require(ask.hub, ask.identity, name, "manage")
    repositories.set_grant(ask.hub.database, name, Grant(body.kind, body.name, body.role), ask.by)
    return GrantSeen(body.kind, body.name, body.role)


def remove_grant(ask: Ask, name: str, *, query: Holder) -> None:
    """Take a role in a repository away. For owners."""
    require(ask.hub, ask.identity, name, "manage")
    repositories.remove_grant(ask.hub.database, name, query.kind, query.name, ask.by)


def delete_repository(ask: Ask, name: str) -> None:
    """Delete, and tell whoever listens. Raises: NotFound; Unsupported where this hub does not delete."""
    if not ask.hub.options.delete:
        raise Unsupported("this hub does not delete")
    repositories.delete(ask.hub.database, name, ask.by)
    ask.hub.tell(Happened("repository.delete", name, actor=ask.identity.name, at_ns=ask.hub.now_ns()))


def _show(ask: Ask, name: str) -> RepositorySettings:
    one = _get(ask, name)
    role = ask.hub.rights.role_of(ask.identity, name)
    return RepositorySettings(one.name, one.is_public, one.is_official, one.description, one.readme, role)


def _get(ask: Ask, name: str) -> Repository:
    found = repositories.find_repository_named(ask.hub.database, name)
    if found is None:
        raise missing(name)
    return found


OPERATIONS = (
    Operation("PATCH", "/repositories/{name:path}", describe_repository),
    Operation("DELETE", "/repositories/{name:path}", remove_repository),
    Operation("PUT", "/visibility/{name:path}", set_visibility),
    Operation("PUT", "/names/{name:path}", rename_repository),
    Operation("GET", "/grants/{name:path}", list_grants),
    Operation("PUT", "/grants/{name:path}", set_grant),
    Operation("DELETE", "/grants/{name:path}", remove_grant),
)
