"""Pages of what a repository and a namespace have alike: the one or the other, for its owners."""

from __future__ import annotations

from typing import Any, NamedTuple

from capas.hub.api.operation import Ask
from capas.hub.pages.about import About, get_about
from capas.hub.pages.namespace_frame import Owned, get_owned
from capas.hub.pages.visit import Visit
from capas.hub.people.held import Kind, manage


class Held(NamedTuple):
    """A repository (`about`) or a namespace, and the asking for it. `path` is where its pages of settings are."""

    kind: Kind
    name: str
    path: str
    ask: Ask
    about: About | None
    owner: Owned | None

    @property
    def facts(self) -> dict[str, Any]:
        """What the templates' frame needs."""
        frame = "namespace_frame.html" if self.about is None else "repository_frame.html"
        return {"frame": frame, "held": self, "about": self.about, "owner": self.owner}


def find_held(visit: Visit) -> Held:
    """What the address names. Raises: Unauthenticated, NotFound, Denied."""
    address = visit.hub.doors.origins.find_address(visit.request.scope)
    ask = Ask(visit.hub, visit.identity, "", address)
    name = visit.path_text("name")
    if visit.request.url.path.startswith("/u/"):
        visit.require_person()
        return Held("namespaces", name, f"/u/{name}/-", ask, None, get_owned(visit, "owner"))
    manage(visit.hub, visit.identity, "repositories", name)
    return Held("repositories", name, f"/r/{name}/-", ask, get_about(visit, name), None)
