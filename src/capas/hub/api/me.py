"""Who asks: what a client finds out about itself."""

from __future__ import annotations

from typing import Literal

import msgspec

from capas.hub.api.operation import Ask, Operation


class Me(msgspec.Struct, frozen=True):
    """Whom the hub takes the client for. `is_open`: the hub has no accounts, and anybody may do everything."""

    name: str
    kind: Literal["nobody", "user", "robot"]
    is_admin: bool
    is_open: bool


def get_me(ask: Ask) -> Me:
    """Whom the hub takes you for."""
    name = ask.identity.name
    kind: Literal["nobody", "user", "robot"] = "nobody" if not name else "robot" if "+" in name else "user"
    return Me(name, kind, ask.identity.is_admin, ask.hub.options.open)


OPERATIONS = (Operation("GET", "/me", get_me, public=True),)
