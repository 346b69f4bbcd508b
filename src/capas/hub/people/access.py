"""Who asks, and what for: the one question that every door of the hub puts before it does anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

Action = Literal["pull", "push", "delete", "manage"]
Role = Literal["reader", "writer", "maintainer", "owner"]


class Scope(NamedTuple):
    """What a token may be used for: repositories by pattern (`acme/*`), up to a role there."""

    repositories: str
    role: Role


class Identity(NamedTuple):
    """Who asks. An empty name is anybody; a robot's is `namespace+name`.

    `user` is the number of a person in the records. `scopes` bound what a token's bearer may do; None: no bound.
    """

    name: str = ""
    user: int | None = None
    is_admin: bool = False
    scopes: tuple[Scope, ...] | None = None


Authorise = Callable[[Identity, str, Action], bool]


def allow_all(_identity: Identity, _repository: str, _action: Action) -> bool:
    """An open hub: whoever reaches it may do everything."""
    return True
