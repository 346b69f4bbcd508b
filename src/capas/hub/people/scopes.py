"""What a token may be used for, as the records hold it."""

from __future__ import annotations

import msgspec

from capas.hub.people.access import Scope
from capas.typed import from_json


def read_scopes(text: str) -> tuple[Scope, ...] | None:
    """The scopes; None for no bound."""
    return None if text == "null" else from_json(text, tuple[Scope, ...])


def write_scopes(scopes: tuple[Scope, ...] | None) -> str:
    """The text that the records hold."""
    return msgspec.json.encode(scopes).decode()
