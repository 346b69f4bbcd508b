"""The audit log: administrators see all of it, owners what belongs to their namespace."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from capas.hub.api.operation import Ask, Operation, Page, Taken
from capas.hub.people.audit import list_entries
from capas.hub.people.required import require_admin, require_role


class EntrySeen(msgspec.Struct, frozen=True):
    """One entry: who (a login name) did what (`noun.verb`) to what, from where and when, and whether it was done."""

    number: int
    at_ns: int
    actor: str
    address: str
    action: str
    target: str
    outcome: str
    detail: dict[str, Any]


class LogWanted(Taken, frozen=True):
    """`namespace`: of what belongs to it; left out, of everything, for administrators. Newest first."""

    namespace: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None


def list_audit(ask: Ask, *, query: LogWanted) -> Page[EntrySeen]:
    """The audit log, newest first."""
    if query.namespace:
        require_role(ask.hub, ask.identity, query.namespace, "owner")
    else:
        require_admin(ask.hub, ask.identity)
    wanted = [query.namespace] if query.namespace else None
    found = list_entries(ask.hub.database, namespaces=wanted, before=query.after, limit=query.limit)
    return Page([EntrySeen(*one) for one in found], str(found[-1].number) if len(found) == query.limit else None)


OPERATIONS = (Operation("GET", "/audit", list_audit),)
