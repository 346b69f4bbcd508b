"""Who asks, and what for: the one question that every door of the hub puts before it does anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Literal, NamedTuple

Action = Literal["pull", "push", "move", "delete", "manage"]
Role = Literal["reader", "creator", "writer", "maintainer", "owner"]

# a reader pulls; a creator pushes under tags that are not there yet; a writer moves tags too; a maintainer deletes tags
# and images, and describes the repository; an owner says who sees it and who may what, sets its rules, and deletes it
ROLES: tuple[Role, ...] = ("reader", "creator", "writer", "maintainer", "owner")
_RANK: Mapping[str | None, int] = MappingProxyType({None: 0} | {role: rank for rank, role in enumerate(ROLES, 1)})
_NEEDED: Mapping[Action, int] = MappingProxyType({"pull": 1, "push": 2, "move": 3, "delete": 4, "manage": 5})


class Scope(NamedTuple):
    """What a token may be used for: repositories by pattern (`acme/*`), up to a role there."""

    repositories: str
    role: Role

    def covers(self, repository: str) -> bool:
        """Whether the pattern is for this repository: `*` stands for anything, `/` too."""
        return fnmatchcase(repository, self.repositories)


CATALOG = "_catalog"  # stands in an identity's access for the list of repositories; no repository is called so
Access = frozenset[tuple[str, Action]]
"""Repositories and what may be done there; a pass (`people.passes`) is for nothing else."""


class Identity(NamedTuple):
    """Who asks. An empty name is anybody; a robot's is `namespace+name`.

    `user` is the number of a person in the records, `token` that of the token that came: both are looked up again
    at each question, so that what was taken away is gone at once. `scopes` bound what may be done; None: no bound.
    `access` is all that a pass was granted, and bounds it further; None for whoever comes without one.
    `is_admin` is what the records said when the identity was found out, for pages to show; rights do not rest on it.
    """

    name: str = ""
    user: int | None = None
    is_admin: bool = False
    scopes: tuple[Scope, ...] | None = None
    token: int | None = None
    access: Access | None = None


Authorise = Callable[[Identity, str, Action], bool]


def allows(role: Role | None, action: Action) -> bool:
    """Whether somebody with the role may do this."""
    return _RANK[role] >= _NEEDED[action]


def at_least(role: Role | None, least: Role) -> bool:
    """Whether the role may all that `least` may."""
    return _RANK[role] >= _RANK[least]


def highest(*roles: Role | None) -> Role | None:
    """The role that may most."""
    return max(roles, key=_RANK.__getitem__, default=None)


def lowest(*roles: Role | None) -> Role | None:
    """The role that may least."""
    return min(roles, key=_RANK.__getitem__, default=None)


def within(scopes: tuple[Scope, ...] | None, repository: str) -> Role | None:
    """The highest role that the scopes leave in the repository."""
    if scopes is None:
        return "owner"
    return highest(*(scope.role for scope in scopes if scope.covers(repository)))
