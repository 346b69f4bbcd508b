"""Webhooks of repositories and namespaces: set, tried, and what came of each delivery.

`kind` is `repositories` or `namespaces`, whose webhook it is; `name` is its name. For its owners.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from capas.errors import Invalid
from capas.hub.api.operation import Ask, Operation, Page, Paging, Taken
from capas.hub.events import Kind
from capas.hub.keeping import outbox
from capas.hub.keeping.place import Place
from capas.hub.keeping.webhooks import Webhook, Wish
from capas.hub.people.audit import note
from capas.hub.people.held import manage


class WebhookSeen(msgspec.Struct, frozen=True):
    """As it is set. `failing_ns`: since when nothing was delivered; `note`: why the hub switched it off."""

    number: int
    name: str
    url: str
    events: list[str]
    is_active: bool
    note: str
    created_ns: int
    failing_ns: int | None
    secret: str | None = None


class WebhookWanted(Taken, frozen=True):
    """What it is to be. `events`: of which it is told."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    url: Annotated[str, Meta(max_length=2000)]
    events: Annotated[list[Kind], Meta(min_length=1)]
    is_active: bool = True


class Secret(msgspec.Struct, frozen=True):
    """What deliveries are signed with. It is shown once."""

    secret: str


class DeliverySeen(msgspec.Struct, frozen=True):
    """A delivery: `waiting`, `done` or `failed`. `status`: HTTP's, null where there was no answer."""

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


def list_webhooks(ask: Ask, kind: str, name: str) -> Page[WebhookSeen]:
    """The webhooks, by name."""
    place = manage(ask.hub, ask.identity, kind, name)
    return Page([_show(one) for one in ask.hub.database.read(lambda db: ask.hub.keeping.desk.list(db, place))])


def create_webhook(ask: Ask, kind: str, name: str, *, body: WebhookWanted) -> WebhookSeen:
    """Make a webhook. The secret is in the answer, and is not shown again."""
    hub, place = ask.hub, manage(ask.hub, ask.identity, kind, name)
    token, now_ns = hub.new_token(), hub.now_ns()

    def create(db: Connection) -> tuple[int, str]:
        number, secret = hub.keeping.desk.create(db, place, _wish(body), token, now_ns)
        note(db, ask.by, "webhook.create", name, detail={"number": number, "name": body.name})
        return number, secret

    number, secret = hub.database.write(create)
    return msgspec.structs.replace(_get(ask, place, number), secret=secret)


def get_webhook(ask: Ask, number: int, kind: str, name: str) -> WebhookSeen:
    """One webhook."""
    return _get(ask, manage(ask.hub, ask.identity, kind, name), number)


def change_webhook(ask: Ask, number: int, kind: str, name: str, *, body: WebhookWanted) -> WebhookSeen:
    """Set a webhook otherwise. One that is switched on again begins afresh."""
    place = manage(ask.hub, ask.identity, kind, name)

    def change(db: Connection) -> None:
        ask.hub.keeping.desk.change(db, place, number, _wish(body))
        note(db, ask.by, "webhook.change", name, detail={"number": number, "is_active": body.is_active})

    ask.hub.database.write(change)
    return _get(ask, place, number)


def remove_webhook(ask: Ask, number: int, kind: str, name: str) -> None:
    """Delete a webhook, with what it is still owed."""
    place = manage(ask.hub, ask.identity, kind, name)

    def remove(db: Connection) -> None:
        ask.hub.keeping.desk.delete(db, place, number)
        note(db, ask.by, "webhook.delete", name, detail={"number": number})

    ask.hub.database.write(remove)


def renew_webhook_secret(ask: Ask, number: int, kind: str, name: str) -> Secret:
    """Give a webhook another secret. The old one signs nothing any more."""
    place, token = manage(ask.hub, ask.identity, kind, name), ask.hub.new_token()

    def renew(db: Connection) -> str:
        secret = ask.hub.keeping.desk.renew_secret(db, place, number, token)
        note(db, ask.by, "webhook.secret", name, detail={"number": number})
        return secret

    return Secret(ask.hub.database.write(renew))


def try_webhook(ask: Ask, number: int, kind: str, name: str) -> None:
    """Send something harmless, to see in the deliveries whether it arrives."""
    hub, place = ask.hub, manage(ask.hub, ask.identity, kind, name)
    token, now_ns = hub.new_token(), hub.now_ns()

    def send(db: Connection) -> None:
        hub.keeping.desk.get(db, place, number)
        outbox.queue_ping(db, number, place, token, now_ns)

    hub.database.write(send)
    hub.keeping.deliverer.wake()


def list_deliveries(ask: Ask, number: int, kind: str, name: str, *, query: Paging) -> Page[DeliverySeen]:
    """What was, and is to be, delivered, the newest first. It is kept for 30 days."""
    place, before = manage(ask.hub, ask.identity, kind, name), _number(query.after)

    def find(db: Connection) -> list[outbox.Delivery]:
        ask.hub.keeping.desk.get(db, place, number)
        return outbox.list_deliveries(db, number, before, query.limit + 1)

    found = ask.hub.database.read(find)
    shown = [DeliverySeen(*one) for one in found[: query.limit]]
    return Page(shown, str(shown[-1].number) if len(found) > query.limit else None)


def redeliver(ask: Ask, number: int, delivery: int, kind: str, name: str) -> None:
    """Send once more what was sent, or not."""
    hub, place, now_ns = ask.hub, manage(ask.hub, ask.identity, kind, name), ask.hub.now_ns()

    def send(db: Connection) -> None:
        hub.keeping.desk.get(db, place, number)
        outbox.queue_again(db, number, delivery, now_ns)

    hub.database.write(send)
    hub.keeping.deliverer.wake()


def _get(ask: Ask, place: Place, number: int) -> WebhookSeen:
    return _show(ask.hub.database.read(lambda db: ask.hub.keeping.desk.get(db, place, number)))


def _show(one: Webhook) -> WebhookSeen:
    return WebhookSeen(**{**one._asdict(), "events": list(one.events)})


def _wish(body: WebhookWanted) -> Wish:
    return Wish(body.name, body.url, body.events, body.is_active)


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid("not a place in the list: {after}", after=text[:100])
    return int(text)


OPERATIONS = (
    Operation("POST", "/webhooks/{number:int}/deliveries/{delivery:int}/{kind}/{name:path}", redeliver),
    Operation("GET", "/webhooks/{number:int}/deliveries/{kind}/{name:path}", list_deliveries),
    Operation("POST", "/webhooks/{number:int}/tests/{kind}/{name:path}", try_webhook),
    Operation("POST", "/webhooks/{number:int}/secrets/{kind}/{name:path}", renew_webhook_secret),
    Operation("GET", "/webhooks/{number:int}/{kind}/{name:path}", get_webhook),
    Operation("PUT", "/webhooks/{number:int}/{kind}/{name:path}", change_webhook),
    Operation("DELETE", "/webhooks/{number:int}/{kind}/{name:path}", remove_webhook),
    Operation("GET", "/webhooks/{kind}/{name:path}", list_webhooks),
    Operation("POST", "/webhooks/{kind}/{name:path}", create_webhook, status=201),
)
