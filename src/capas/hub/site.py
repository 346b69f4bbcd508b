"""Everything of the hub that is not the distribution API: one Starlette application of pages and the JSON API.

It is made at the first request for it, so that a hub that only serves images starts quickly. A room that has pages or
API routes of its own exports `ROUTES` and gets a line in `_gather`.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from capas.hub.hub import Hub


def create_site(hub: Hub) -> Starlette:
    """The pages and the API over a hub's parts."""
    from capas.hub.pages.assets import Assets
    from capas.hub.pages.templating import create_environment

    site = Starlette(routes=_gather(), exception_handlers={404: _miss, 405: _miss})
    site.state.hub = hub
    site.state.assets = Assets()
    site.state.environment = create_environment(site.state.assets)
    return site


async def _miss(request: Request, error: Exception) -> Response:
    """Nothing is there: said as JSON below the API's address, as a page elsewhere."""
    from capas.hub.api.all import NOTHING
    from capas.hub.api.door import refuse
    from capas.hub.api.openapi import BASE
    from capas.hub.pages.frame import show_missing

    return refuse(NOTHING) if request.url.path.startswith(BASE + "/") else await show_missing(request, error)


def _gather() -> list[BaseRoute]:
    """The routes of all rooms. The first that fits a path has it."""
    from capas.hub.api import all as api
    from capas.hub.finding import routes
    from capas.hub.pages import (
        administration,
        assets,
        audit,
        comparison,
        home,
        image,
        inviting,
        links,
        login,
        namespace,
        oidc,
        organisations,
        replications,
        repository,
        repository_settings,
        rules,
        search,
        sessions,
        settings,
        starring,
        tokens,
        upstreams,
        webhooks,
    )
    from capas.hub.people import token_service

    return [
        *token_service.ROUTES,
        *api.ROUTES,
        *routes.ROUTES,
        *assets.ROUTES,
        *home.ROUTES,
        *inviting.ROUTES,
        *links.ROUTES,
        *login.ROUTES,
        *oidc.ROUTES,
        *sessions.ROUTES,
        *search.ROUTES,
        *namespace.ROUTES,
        *settings.ROUTES,
        *tokens.ROUTES,
        *organisations.ROUTES,
        *administration.ROUTES,
        *audit.ROUTES,
        *repository_settings.ROUTES,
        *image.ROUTES,
        *comparison.ROUTES,
        *starring.ROUTES,
        *replications.ROUTES,
        *upstreams.ROUTES,
        *rules.ROUTES,
        *webhooks.ROUTES,
        *repository.ROUTES,  # last of its kind: a name may hold anything
    ]
