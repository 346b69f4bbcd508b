"""Who asks: the one place where every door of the hub finds it out."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Protocol

from capas.errors import Unauthenticated
from capas.hub.hub import Hub
from capas.hub.people.access import Identity


class Asking(Protocol):
    """A request, whatever its door made of it."""

    @property
    def scope(self) -> MutableMapping[str, Any]:
        """The connection, by ASGI."""


async def identify(hub: Hub, request: Asking) -> Identity:
    """Who asks; nobody in particular where the request says nothing of it.

    Raises: Unauthenticated for credentials that are refused.
    """
    if hub.options.open or not _credentials(request.scope):
        return Identity()
    raise Unauthenticated("wrong user name or password")


def _credentials(scope: MutableMapping[str, Any]) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"authorization"), b"")
