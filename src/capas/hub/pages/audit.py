"""The audit log: all of it for administrators, that of a namespace for its owners."""

from __future__ import annotations

from starlette.responses import Response

from capas.hub.pages.frame import page_route
from capas.hub.pages.namespace_frame import get_owned
from capas.hub.pages.visit import Visit
from capas.hub.people.audit import Entry, list_entries
from capas.hub.people.required import require_admin

_PAGE = 50


def show_all(visit: Visit) -> Response:
    """Everything."""
    if not visit.hub.options.open:
        visit.require_person()
    require_admin(visit.hub, visit.identity)
    found, more = _entries(visit, None)
    return visit.page("audit.html", tab="audit", entries=found, more=more)


def show_of_namespace(visit: Visit) -> Response:
    """What was done in a namespace."""
    owned = get_owned(visit, "owner")
    found, more = _entries(visit, [owned.name])
    return visit.page("namespace_audit.html", owner=owned, tab="audit", entries=found, more=more)


def _entries(visit: Visit, namespaces: list[str] | None) -> tuple[list[Entry], int]:
    """A page of entries, and the number to go on from; 0 at the end."""
    after = visit.request.query_params.get("after", "")
    before = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None
    found = list_entries(visit.hub.database, namespaces=namespaces, before=before, limit=_PAGE + 1)
    return found[:_PAGE], found[_PAGE - 1].number if len(found) > _PAGE else 0


ROUTES = [
    page_route("/admin/audit", show=show_all),
    page_route("/u/{name}/-/audit", show=show_of_namespace),
]
