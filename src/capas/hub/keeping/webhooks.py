"""Webhooks of a repository or a namespace: who is told of what.

All of them are asked for within their place: the number of another place's webhook is the number of none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

import msgspec
from sqlalchemy import Connection, Row, func, select

from capas.errors import Invalid, NotFound
from capas.hub.events import Kind
from capas.hub.keeping.message import make_secret
from capas.hub.keeping.place import Place
from capas.hub.outside import Outside
from capas.hub.records.tables.keeping import deliveries, webhooks
from capas.hub.seal import Seal
from capas.typed import from_json

KINDS: tuple[Kind, ...] = get_args(Kind)
_MOST = 20
_LONGEST_URL = 2000
_W = webhooks.c


class Target(NamedTuple):
    """Where it goes, and the secret that it is signed with."""

    url: str
    secret: str


class Webhook(NamedTuple):
    """As its owners see it. `failing_ns`: since when nothing was delivered; `note`: why the hub switched it off."""

    number: int
    name: str
    url: str
    events: tuple[str, ...]
    is_active: bool
    note: str
    created_ns: int
    failing_ns: int | None


class Wish(NamedTuple):
    """What its owner wants it to be."""

    name: str
    url: str
    events: Sequence[str]
    is_active: bool = True


class Desk:
    """Where webhooks are made and changed. `new_token` draws 32 random bytes as hexadecimal."""

    def __init__(self, seal: Seal, outside: Outside) -> None:
        self._seal = seal
        self._outside = outside

    def create(self, db: Connection, place: Place, wish: Wish, token: str, now_ns: int) -> tuple[int, str]:
        """Its number, and its secret, which is not shown again. `token`: 32 random bytes. Raises: Invalid, Denied."""
        events = self._check(wish)
        count = select(func.count()).select_from(webhooks).where(place.own(webhooks))
        if db.execute(count).scalar_one() >= _MOST:
            raise Invalid("{place} has {most} webhooks, and may not have more", place=place.name, most=_MOST)
        secret = make_secret(token)
        made = webhooks.insert().values(
            **place.values,
            name=wish.name,
            sealed=self._close(Target(wish.url, secret)),
            events=events,
            is_active=wish.is_active,
            created_ns=now_ns,
        )
        return db.execute(made.returning(_W.id)).scalar_one(), secret

    def change(self, db: Connection, place: Place, number: int, wish: Wish) -> None:
        """Let it be so. Whoever switches it on begins afresh. Raises: NotFound, Invalid, Denied."""
        events = self._check(wish)
        target = self.open(self._row(db, place, number).sealed)
        values: dict[str, Any] = {"name": wish.name, "events": events, "is_active": wish.is_active}
        values |= {"note": "", "failing_ns": None} if wish.is_active else {}
        sealed = self._close(target._replace(url=wish.url))
        db.execute(webhooks.update().where(_W.id == number).values(**values, sealed=sealed))
        if not wish.is_active:
            give_up(db, number)

    def renew_secret(self, db: Connection, place: Place, number: int, token: str) -> str:
        """Another secret; the old one signs nothing any more. Raises: NotFound."""
        target = self.open(self._row(db, place, number).sealed)
        secret = make_secret(token)
        sealed = self._close(target._replace(secret=secret))
        db.execute(webhooks.update().where(_W.id == number).values(sealed=sealed))
        return secret

    def delete(self, db: Connection, place: Place, number: int) -> None:
        """Forget it with what is to be delivered. Raises: NotFound."""
        self._row(db, place, number)
        db.execute(webhooks.delete().where(_W.id == number))

    def get(self, db: Connection, place: Place, number: int) -> Webhook:
        """Raises: NotFound."""
        return self._webhook(self._row(db, place, number))

    def list(self, db: Connection, place: Place) -> list[Webhook]:
        """By name."""
        rows = db.execute(select(webhooks).where(place.own(webhooks)).order_by(_W.name, _W.id)).all()
        return [self._webhook(row) for row in rows]

    def open(self, sealed: bytes) -> Target:
        """The address and the secret. Raises: Corrupt."""
        return from_json(self._seal.open(sealed), Target)

    def _close(self, target: Target) -> bytes:
        return self._seal.close(msgspec.json.encode(target).decode())

    def _check(self, wish: Wish) -> str:
        if not (1 <= len(wish.name) <= 100 and wish.name.isprintable()):
            raise Invalid("a webhook has a name of 1 to 100 characters")
        if len(wish.url) > _LONGEST_URL:
            raise Invalid("the address is longer than {limit} characters", limit=_LONGEST_URL)
        self._outside.check_url(wish.url)
        unknown = [one for one in wish.events if one not in KINDS]
        if unknown or not wish.events:
            raise Invalid("an event is one of {events}", events=", ".join(KINDS))
        return " ".join(one for one in KINDS if one in wish.events)

    def _row(self, db: Connection, place: Place, number: int) -> Row[Any]:
        known = 0 < number < 2**63
        row = db.execute(select(webhooks).where(place.own(webhooks), _W.id == number)).one_or_none() if known else None
        if row is None:
            raise NotFound("{place} has no webhook {number}", place=place.name, number=number)
        return row

    def _webhook(self, row: Row[Any]) -> Webhook:
        url = self.open(row.sealed).url
        events = tuple(row.events.split())
        return Webhook(row.id, row.name, url, events, row.is_active, row.note, row.created_ns, row.failing_ns)


def give_up(db: Connection, webhook: int) -> None:
    """What still waits for a webhook that is off is not sent."""
    waiting = deliveries.update().where(deliveries.c.webhook == webhook, deliveries.c.state == "waiting")
    db.execute(waiting.values(state="failed", answer="not sent: the webhook is off"))
