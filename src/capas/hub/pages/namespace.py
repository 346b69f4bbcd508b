"""The page of a person or an organisation: who they are, and their images."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from starlette.responses import Response

from capas.errors import NotFound
from capas.hub.finding.query import Filters, Query
from capas.hub.finding.search import search
from capas.hub.pages.frame import page_route
from capas.hub.pages.pager import read_pager
from capas.hub.pages.visit import Visit
from capas.hub.records.tables.people import namespaces

_SIZE = 20
_N = namespaces.c


class Owner(NamedTuple):
    """Who a namespace belongs to. `kind`: user, organisation, or nothing where nobody has it (an open hub)."""

    name: str
    kind: str
    display_name: str = ""
    description: str = ""
    created_ns: int = 0


def show_namespace(visit: Visit) -> Response:
    """Who it is and what they share.

    Raises: NotFound where the reader sees no image of it, and is nobody: who has an account here is not for all to try.
    """
    name = visit.path_text("name")
    pager = read_pager(visit, _SIZE)
    filters = Filters(namespace=name)
    found = search(visit.hub, visit.identity, Query(filters=filters, order="pulls", limit=_SIZE, offset=pager.offset))
    owner = _find_owner(visit, name)
    if not found.total and (owner is None or visit.identity.user is None):
        raise NotFound("there is nobody called {name} here", name=name[:255])
    return visit.page(
        "namespace.html",
        owner=owner or Owner(name, ""),
        found=found,
        pager=pager._replace(total=found.total, is_more=found.is_more),
    )


def _find_owner(visit: Visit, name: str) -> Owner | None:
    wanted = select(_N.name, _N.kind, _N.display_name, _N.description, _N.created_ns).where(_N.name == name)
    row = visit.hub.database.read(lambda db: db.execute(wanted).one_or_none())
    return Owner(*row) if row else None


ROUTES = [page_route("/u/{name}", show=show_namespace)]
