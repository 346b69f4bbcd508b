"""`cp -L`: where a link in a container leads."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from capas.errors import Invalid

if TYPE_CHECKING:
    from capas.engine.containers import Containers

_MOST = 40  # as Linux


def follow_links(containers: Containers, container: str, path: str) -> str:
    """The path that the last part of `path` leads to. Raises: NotFound; Invalid for a loop."""
    for _ in range(_MOST):
        target = containers.stat_path(container, path).link_target
        if not target:
            return path
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path.rstrip("/")), target))
    raise Invalid("too many links on the way to {path}", path=path)
