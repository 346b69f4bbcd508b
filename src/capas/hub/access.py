"""Who may do what: the one place where a request meets its rights. Accounts come with the next cut of the hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

Action = Literal["pull", "push", "delete"]


class Identity(NamedTuple):
    """Who asks. An empty name is anybody."""

    name: str = ""


Authorise = Callable[[Identity, str, Action], bool]


def allow_all(_identity: Identity, _repository: str, _action: Action) -> bool:
    """A hub without accounts: whoever reaches it may do everything."""
    return True
