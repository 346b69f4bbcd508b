"""The audit log: who changed settings, rights, tokens or accounts, who deleted, who logged in, from where, and when.

An entry is written in the transaction of what it tells of: neither is there without the other.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, or_, select

from capas.hub.records.database import Database
from capas.hub.records.tables.people import audit

_LONGEST = 300  # characters of a name that nobody checked yet, as in a failed login


class By(NamedTuple):
    """Who does something (a login name), from which address, and when."""

    name: str
    address: str
    now_ns: int


class Entry(NamedTuple):
    """One line of the log. `action` is noun.verb, `detail` holds no secrets."""

    number: int
    at_ns: int
    actor: str
    address: str
    action: str
    target: str
    outcome: str
    detail: dict[str, object]


def note(
    db: Connection, by: By, action: str, target: str, *, outcome: str = "done", detail: dict[str, object] | None = None
) -> None:
    """Write an entry. `outcome`: done | refused."""
    line = {
        "at_ns": by.now_ns,
        "actor": by.name[:_LONGEST],
        "address": by.address[:_LONGEST],
        "action": action,
        "target": target[:_LONGEST],
        "outcome": outcome,
        "detail": msgspec.json.encode(detail or {}).decode(),
    }
    db.execute(audit.insert().values(line))


def note_alone(
    database: Database,
    by: By,
    action: str,
    target: str,
    *,
    outcome: str = "done",
    detail: dict[str, object] | None = None,
) -> None:
    """Write an entry about something that changes no record: a login, a refusal."""
    database.write(lambda db: note(db, by, action, target, outcome=outcome, detail=detail), durable=False)


def list_entries(
    database: Database, *, namespaces: list[str] | None = None, before: int | None = None, limit: int = 50
) -> list[Entry]:
    """The newest first: of everything, or of what these namespaces hold. `before`: the number to go on from."""
    c = audit.c
    found = select(c.id, c.at_ns, c.actor, c.address, c.action, c.target, c.outcome, c.detail)
    if namespaces is not None:
        theirs: list[ColumnElement[bool]] = [c.target.in_(namespaces)]
        theirs += [c.target.startswith(f"{one}{mark}", autoescape=True) for one in namespaces for mark in "/+"]
        found = found.where(or_(*theirs))
    if before is not None:
        found = found.where(c.id < before)
    page = found.order_by(c.id.desc()).limit(limit)
    return [Entry(*row[:-1], msgspec.json.decode(row[-1])) for row in database.read(lambda db: db.execute(page).all())]


def prune(database: Database, before_ns: int) -> int:
    """Forget what is older; how many entries."""
    return database.write(lambda db: db.execute(audit.delete().where(audit.c.at_ns < before_ns)).rowcount)
