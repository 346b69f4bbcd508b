"""What has rules of its own, a repository or a namespace, found for those who manage it."""

from __future__ import annotations

from typing import Literal

from capas.errors import NotFound
from capas.hub.hub import Hub
from capas.hub.keeping.place import Place, get_namespace_place, get_repository_place
from capas.hub.people.access import Identity
from capas.hub.people.required import require, require_role

Kind = Literal["repositories", "namespaces"]


def manage(hub: Hub, identity: Identity, kind: str, name: str) -> Place:
    """The place, for its owners alone. Raises: NotFound, Denied."""
    if kind == "repositories":
        require(hub, identity, name, "manage")
        return hub.database.read(lambda db: get_repository_place(db, name))
    if kind == "namespaces":
        require_role(hub, identity, name, "owner")
        return hub.database.read(lambda db: get_namespace_place(db, name))
    raise NotFound("rules are those of repositories or namespaces, not of {kind}", kind=kind[:100])
