"""Webhooks of a repository or a namespace: made, changed, tried, and what came of each delivery."""

from __future__ import annotations

from typing import get_args

import msgspec
from starlette.responses import Response

from capas.errors import CapasError, Invalid
from capas.hub.api import webhooks
from capas.hub.api.operation import Paging
from capas.hub.events import Kind
from capas.hub.pages.frame import page_route
from capas.hub.pages.held import Held, find_held
from capas.hub.pages.visit import Visit
from capas.typed import from_plain

_EVENTS = get_args(Kind)
_SHOWN = 30


def show_list(visit: Visit) -> Response:
    """All of them, and a form for one more."""
    return _show_list(visit, find_held(visit))


def add_webhook(visit: Visit) -> Response:
    """One more; its secret is shown this once."""
    held = find_held(visit)
    try:
        made = webhooks.create_webhook(held.ask, held.kind, held.name, body=_read(visit))
    except CapasError as error:
        return _show_list(visit, held, wrong=error)
    return _show_one(visit, held, made.number, secret=made.secret or "")


def show_webhook(visit: Visit) -> Response:
    """One, with its deliveries."""
    return _show_one(visit, find_held(visit), _number(visit))


def change_webhook(visit: Visit) -> Response:
    """What a button of its page says."""
    held, number = find_held(visit), _number(visit)
    place = (held.kind, held.name)
    wanted = str(visit.form.get("do", ""))
    try:
        if wanted == "delete":
            webhooks.remove_webhook(held.ask, number, *place)
            return visit.redirect(held.path + "/webhooks", said=visit.say("The webhook was deleted."))
        if wanted == "secret":
            return _show_one(visit, held, number, secret=webhooks.renew_webhook_secret(held.ask, number, *place).secret)
        said = _do(visit, held, number, wanted)
    except CapasError as error:
        return _show_one(visit, held, number, wrong=error)
    return visit.redirect(f"{held.path}/webhooks/{number}", said=said)


def _do(visit: Visit, held: Held, number: int, wanted: str) -> str:
    if wanted == "test":
        webhooks.try_webhook(held.ask, number, held.kind, held.name)
        return visit.say("A test is on its way. Load this page again to see what came of it.")
    if wanted.startswith("again-") and wanted[6:].isdigit():
        webhooks.redeliver(held.ask, number, int(wanted[6:]), held.kind, held.name)
        return visit.say("It is on its way again. Load this page again to see what came of it.")
    webhooks.change_webhook(held.ask, number, held.kind, held.name, body=_read(visit))
    return visit.say("The webhook was changed.")


def _show_list(visit: Visit, held: Held, *, wrong: CapasError | None = None) -> Response:
    found = webhooks.list_webhooks(held.ask, held.kind, held.name).items
    wish = {name: str(visit.form.get(name, "")) for name in ("name", "url")}
    return visit.page(
        "webhooks.html",
        status=400 if wrong else 200,
        **held.facts,
        webhooks=found,
        kinds=_EVENTS,
        wish=wish,
        chosen=visit.form.getlist("events") or ["push"],
        wrong=_say(visit, wrong),
    )


def _show_one(visit: Visit, held: Held, number: int, *, secret: str = "", wrong: CapasError | None = None) -> Response:
    place = (held.kind, held.name)
    one = webhooks.get_webhook(held.ask, number, *place)
    log = webhooks.list_deliveries(held.ask, number, *place, query=Paging(limit=_SHOWN)).items
    return visit.page(
        "webhook.html",
        status=400 if wrong else 200,
        **held.facts,
        one=one,
        deliveries=log,
        kinds=_EVENTS,
        secret=secret,
        wrong=_say(visit, wrong),
    )


def _read(visit: Visit) -> webhooks.WebhookWanted:
    said = {name: str(visit.form.get(name, "")).strip() for name in ("name", "url")}
    said_events = [str(one) for one in visit.form.getlist("events")]
    active = visit.form.get("is_new") is not None or visit.form.get("is_active") is not None
    try:
        return from_plain({**said, "events": said_events, "is_active": active}, webhooks.WebhookWanted)
    except msgspec.ValidationError:
        raise Invalid("a webhook needs a name, an address and at least one event") from None


def _number(visit: Visit) -> int:
    return int(visit.request.path_params["number"])


def _say(visit: Visit, error: CapasError | None) -> str:
    if error is None:
        return ""
    hint = visit.say(error.hint_template, **error.facts) if error.hint_template else ""
    return visit.say(error.message, **error.facts) + (f" ({hint})" if hint else "")


ROUTES = [
    page_route("/r/{name:path}/-/webhooks", show=show_list, change=add_webhook),
    page_route("/r/{name:path}/-/webhooks/{number:int}", show=show_webhook, change=change_webhook),
    page_route("/u/{name}/-/webhooks", show=show_list, change=add_webhook),
    page_route("/u/{name}/-/webhooks/{number:int}", show=show_webhook, change=change_webhook),
]
