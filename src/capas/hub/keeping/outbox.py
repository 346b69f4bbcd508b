"""Deliveries: queued in the records with what they tell of, taken up by one process, tried until they arrive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from capas.errors import NotFound
from capas.hub.events import Happened
from capas.hub.keeping.message import Message, make_message, make_ping
from capas.hub.keeping.place import Place
from capas.hub.keeping.webhooks import give_up
from capas.hub.people.audit import By, note
from capas.hub.people.names import namespace_of
from capas.hub.records.database import Database
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.keeping import deliveries, webhooks
from capas.hub.records.tables.people import namespaces
from capas.hub.spans import SECOND_NS

MINUTE, HOUR, DAY = 60, 3600, 86400

# seconds between the tries: about two days in all
DELAYS = (10, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY)
_CLAIM_NS = 120 * SECOND_NS  # a process that has not said how it went by then is taken for dead
_PATIENCE_NS = 3 * DAY * SECOND_NS  # of nothing but failures; then the webhook is switched off
_KEPT_NS = 30 * DAY * SECOND_NS
_PART = 500  # names in one question
_GONE = 410  # "do not send me this again"
_D, _W = deliveries.c, webhooks.c

_OF = select(repositories.c.id).where(repositories.c.name == bindparam("name")).scalar_subquery()
_WHOSE = select(namespaces.c.id).where(namespaces.c.name == bindparam("namespace")).scalar_subquery()
_WANTING = select(_W.id, _W.events).where(_W.is_active, (_W.repository == _OF) | (_W.namespace == _WHOSE))


class Claimed(NamedTuple):
    """A delivery that is ours to make."""

    number: int
    webhook: int
    message: Message
    sealed: bytes


class Outcome(NamedTuple):
    """How a try went. `status` is HTTP's, None where there was no answer; `answer` its beginning, or why."""

    status: int | None
    answer: str
    took_ns: int

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver said that it has it."""
        return self.status is not None and 200 <= self.status < 300


class Delivery(NamedTuple):
    """A line of the log."""

    number: int
    message: str
    event: str
    state: str
    created_ns: int
    due_ns: int
    tries: int
    status: int | None
    answer: str
    took_ns: int
    ended_ns: int | None


def queue(db: Connection, event: Happened, new_token: Callable[[], str]) -> None:
    """Owe an event to whoever wants to be told of it. Part of the transaction that makes it true."""
    whose = {"name": event.repository, "namespace": namespace_of(event.repository)}
    for webhook, events in db.execute(_WANTING, whose).all():
        if event.kind in events.split():
            _add(db, webhook, make_message(db, event, f"msg_{new_token()[:32]}"), event.at_ns)


def queue_ping(db: Connection, webhook: int, place: Place, token: str, now_ns: int) -> None:
    """Send something harmless, to see whether it arrives."""
    _add(db, webhook, make_ping(place.name, f"msg_{token[:32]}", now_ns), now_ns)


def queue_again(db: Connection, webhook: int, delivery: int, now_ns: int) -> None:
    """Send once more what was sent, or not, under the name that it had. Raises: NotFound."""
    known = select(_D.message, _D.event, _D.body).where(_D.id == delivery, _D.webhook == webhook)
    row = db.execute(known).one_or_none() if 0 < delivery < 2**63 else None
    if row is None:
        raise NotFound("there is no delivery {number}", number=delivery)
    _add(db, webhook, Message(*row), now_ns)


def list_deliveries(db: Connection, webhook: int, before: int | None, limit: int) -> list[Delivery]:
    """The newest first. `before`: the number to go on from."""
    shown = select(*(deliveries.c[name] for name in ("id", *Delivery._fields[1:]))).where(_D.webhook == webhook)
    if before is not None:
        shown = shown.where(_D.id < before)
    return [Delivery(*row) for row in db.execute(shown.order_by(_D.id.desc()).limit(limit))]


def queue_all(database: Database, events: Sequence[Happened], new_token: Callable[[], str]) -> None:
    """Owe events that no transaction of ours made true: pulls, and what other rooms tell."""
    names = sorted({event.repository for event in events})
    wanted = database.read(lambda db: _list_wanted(db, names))
    owed = [event for event in events if (event.repository, event.kind) in wanted]

    def work(db: Connection) -> None:
        for event in owed:
            queue(db, event, new_token)

    if owed:
        database.write(work, durable=False)


def find_due(db: Connection) -> int | None:
    """When the next delivery is to be tried."""
    found: int | None = db.execute(select(func.min(_D.due_ns)).where(_D.state == "waiting")).scalar()
    return found


def claim(db: Connection, now_ns: int, limit: int) -> list[Claimed]:
    """Take up what is due: of each webhook the first one, and none of a webhook for which somebody is at it."""
    busy = select(_D.webhook).where(_D.state == "waiting", _D.claimed_ns > now_ns - _CLAIM_NS)
    due = select(func.min(_D.id).label("id"), func.min(_D.due_ns).label("due"))
    due = due.where(_D.state == "waiting", _D.due_ns <= now_ns, _D.webhook.not_in(busy)).group_by(_D.webhook)
    numbers = [row.id for row in db.execute(due.order_by("due").limit(limit)).all()]
    if not numbers:
        return []
    db.execute(deliveries.update().where(_D.id.in_(numbers)).values(claimed_ns=now_ns))
    shown = select(_D.id, _D.webhook, _D.message, _D.event, _D.body, _W.sealed).join(webhooks, _W.id == _D.webhook)
    rows = db.execute(shown.where(_D.id.in_(numbers)).order_by(_D.id)).all()
    return [Claimed(row.id, row.webhook, Message(row.message, row.event, row.body), row.sealed) for row in rows]


def settle(db: Connection, claimed: Claimed, outcome: Outcome, now_ns: int) -> None:
    """Write down how it went: done, to be tried again, or given up, and with it perhaps the webhook."""
    tries = select(_D.tries, _D.state, _W.failing_ns, _W.is_active).join(webhooks, _W.id == _D.webhook)
    row = db.execute(tries.where(_D.id == claimed.number)).one_or_none()
    if row is None or row.state != "waiting":
        return  # it, or its webhook, is gone meanwhile
    count = row.tries + 1
    values: dict[str, Any] = {"tries": count, "claimed_ns": 0, **outcome._asdict()}
    if outcome.is_delivered:
        values |= {"state": "done", "ended_ns": now_ns}
    elif count > len(DELAYS) or outcome.status == _GONE:
        values |= {"state": "failed", "ended_ns": now_ns}
    else:
        values |= {"due_ns": now_ns + DELAYS[count - 1] * SECOND_NS}
    db.execute(deliveries.update().where(_D.id == claimed.number).values(values))
    _judge(db, claimed.webhook, row, outcome, now_ns)


def prune(db: Connection, now_ns: int) -> int:
    """Forget what ended long ago; how many."""
    old = deliveries.delete().where(_D.state != "waiting", _D.created_ns < now_ns - _KEPT_NS)
    return db.execute(old).rowcount


def _judge(db: Connection, webhook: int, row: Any, outcome: Outcome, now_ns: int) -> None:
    """What a try says of the webhook as a whole."""
    mine = webhooks.update().where(_W.id == webhook)
    if outcome.is_delivered:
        if row.failing_ns is not None:
            db.execute(mine.values(failing_ns=None))
        return
    since = row.failing_ns if row.failing_ns is not None else now_ns
    if row.failing_ns is None:
        db.execute(mine.values(failing_ns=now_ns))
    if row.is_active and (outcome.status == _GONE or now_ns - since >= _PATIENCE_NS):
        why = "gone" if outcome.status == _GONE else "failing"
        db.execute(mine.values(is_active=False, note=why))
        give_up(db, webhook)
        note(db, By("", "", now_ns), "webhook.disable", str(webhook), detail={"why": why, "answer": outcome.answer})


def _add(db: Connection, webhook: int, message: Message, now_ns: int) -> None:
    line = {"message": message.name, "event": message.event, "body": message.body, "state": "waiting"}
    db.execute(deliveries.insert().values(webhook=webhook, created_ns=now_ns, due_ns=now_ns, **line))


def _list_wanted(db: Connection, names: Sequence[str]) -> set[tuple[str, str]]:
    """Of which of these repositories somebody wants to know what. One that is gone still has its namespace."""
    c = repositories.c
    parts = [names[start : start + _PART] for start in range(0, len(names), _PART)]
    own = select(c.name, _W.events).join(webhooks, _W.repository == c.id).where(_W.is_active)
    found = {(row.name, kind) for part in parts for row in db.execute(own.where(c.name.in_(part)))
             for kind in row.events.split()}  # fmt: skip
    whole = select(namespaces.c.name, _W.events).join(webhooks, _W.namespace == namespaces.c.id).where(_W.is_active)
    by_namespace: dict[str, set[str]] = defaultdict(set)
    for row in db.execute(whole):
        by_namespace[row.name].update(row.events.split())
    return found | {(name, kind) for name in names for kind in by_namespace.get(namespace_of(name), ())}
