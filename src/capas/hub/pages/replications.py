"""Administration: rules of replication, what their runs did, and the form that changes them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from capas.errors import CapasError, Invalid, NotFound
from capas.hub.copying.replication import desk, rules, runs
from capas.hub.copying.replication.rules import Rule, check_rule
from capas.hub.pages.frame import page_route
from capas.hub.pages.visit import Visit
from capas.hub.people.audit import By
from capas.hub.people.required import require_admin

_PATH = "/admin/replications"
_NEW = Rule("", "push", "https://")
_LONGEST = 10_000


def show_rules(visit: Visit) -> Response:
    """All rules, each with its last run."""
    require_admin(visit.hub, visit.identity)
    found = visit.hub.database.read(rules.list_rules)
    last = visit.hub.database.read(lambda db: {rule.number: runs.list_runs(db, rule.number, 1) for rule in found})
    return visit.page("replications.html", rules=found, last=last)


def show_new(visit: Visit) -> Response:
    """An empty form."""
    require_admin(visit.hub, visit.identity)
    return visit.page("replication.html", rule=_NEW, runs=[], is_new=True, wrong="")


def show_rule(visit: Visit) -> Response:
    """A rule: its form and its runs."""
    require_admin(visit.hub, visit.identity)
    return _show(visit, _get(visit), "")


def show_run(visit: Visit) -> Response:
    """What one run did."""
    require_admin(visit.hub, visit.identity)
    rule, number = _get(visit), int(visit.request.path_params["number"])
    run = visit.hub.database.read(lambda db: runs.find_run(db, number))
    if run is None or run.rule != rule.number:
        raise NotFound("the replication {name} has no run {number}", name=rule.name, number=number)
    items = visit.hub.database.read(lambda db: runs.list_items(db, number))
    return visit.page("replication_run.html", rule=rule, run=run, items=items)


def add_rule(visit: Visit) -> Response:
    """Make a rule, or show the form again with what is wrong in it."""
    require_admin(visit.hub, visit.identity)
    wanted = _read(visit, _field(visit, "name"))
    try:
        desk.create(visit.hub, check_rule(wanted), _field(visit, "password"), _by(visit))
    except CapasError as error:
        return visit.page(
            "replication.html",
            status=400,
            rule=wanted,
            runs=[],
            is_new=True,
            wrong=visit.say(error.message, **error.facts),
        )
    return visit.redirect(f"{_PATH}/{wanted.name}", said=visit.say("The rule {name} was made.", name=wanted.name))


def change_rule(visit: Visit) -> Response:
    """Change a rule, or show the form again with what is wrong in it."""
    require_admin(visit.hub, visit.identity)
    old = _get(visit)
    wanted = _read(visit, old.name)._replace(number=old.number, secret=old.secret)
    try:
        desk.change(visit.hub, old.name, check_rule(wanted), _field(visit, "password") or None, _by(visit))
    except CapasError as error:
        return _show(visit, wanted, visit.say(error.message, **error.facts))
    return visit.redirect(f"{_PATH}/{old.name}", said=visit.say("The rule {name} was changed.", name=old.name))


def start_run(visit: Visit) -> Response:
    """Run a rule now."""
    require_admin(visit.hub, visit.identity)
    rule = _get(visit)
    run = desk.start(visit.hub, rule.name, _by(visit))
    return visit.redirect(f"{_PATH}/{rule.name}/runs/{run.number}", said=visit.say("The rule runs in a moment."))


def remove_rule(visit: Visit) -> Response:
    """Forget a rule."""
    require_admin(visit.hub, visit.identity)
    rule = _get(visit)
    desk.remove(visit.hub, rule.name, _by(visit))
    return visit.redirect(_PATH, said=visit.say("The rule {name} is gone. What it copied stays.", name=rule.name))


def _show(visit: Visit, rule: Rule, wrong: str) -> Response:
    found = visit.hub.database.read(lambda db: runs.list_runs(db, rule.number, 30))
    return visit.page(
        "replication.html", status=400 if wrong else 200, rule=rule, runs=found, is_new=False, wrong=wrong
    )


def _get(visit: Visit) -> Rule:
    name = visit.path_text("name")
    return visit.hub.database.read(lambda db: rules.get_rule(db, name))


def _by(visit: Visit) -> By:
    address = visit.hub.doors.origins.find_address(visit.request.scope)
    return By(visit.identity.name, address, visit.hub.now_ns())


def _read(visit: Visit, name: str) -> Rule:
    """The rule that the form describes, unchecked."""
    values: dict[str, Any] = {
        key: _field(visit, key) for key in ("registry", "source_prefix", "target_prefix", "username")
    }
    return Rule(
        name=name,
        direction="pull" if _field(visit, "direction") == "pull" else "push",
        repositories=tuple(_field(visit, "repositories").split()),
        tags=tuple(_field(visit, "tags").split()),
        newest=_whole(visit, "newest"),
        every_seconds=_whole(visit, "every_minutes") * 60,
        on_event=bool(_field(visit, "on_event")),
        deletes=bool(_field(visit, "deletes")),
        is_active=bool(_field(visit, "is_active")),
        **values,
    )


def _field(visit: Visit, name: str) -> str:
    return str(visit.form.get(name, "")).strip()[:_LONGEST]


def _whole(visit: Visit, name: str) -> int:
    text = _field(visit, name) or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise Invalid("not a whole number: {text}", text=text[:40])
    return int(text)


ROUTES = [
    page_route(_PATH, show=show_rules),
    page_route(_PATH + "/-/new", show=show_new, change=add_rule),
    page_route(_PATH + "/{name}", show=show_rule, change=change_rule),
    page_route(_PATH + "/{name}/run", change=start_run),
    page_route(_PATH + "/{name}/remove", change=remove_rule),
    page_route(_PATH + "/{name}/runs/{number:int}", show=show_run),
]
