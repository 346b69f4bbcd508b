"""The doors that docker's clients and Docker Hub's know, beside the JSON API."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from capas.hub.api.door import Door
from capas.hub.finding import docker_hub, docker_index

_DOORS = [(one.path, Door({one.method: one})) for one in (*docker_index.OPERATIONS, *docker_hub.OPERATIONS)]

ROUTES: tuple[BaseRoute, ...] = tuple(Route(path + end, door) for path, door in _DOORS for end in ("/", ""))
