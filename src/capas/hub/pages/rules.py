"""What owners say is to stay: immutable tags and retention, with what it does and why; and what a namespace holds."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from capas.errors import CapasError, Invalid
from capas.hub.api import rules
from capas.hub.keeping.policy import Policy, Rule
from capas.hub.pages.frame import page_route
from capas.hub.pages.held import Held, find_held
from capas.hub.pages.visit import Visit
from capas.hub.people.required import require_admin
from capas.typed import from_plain

_ROWS = 50
_LONGEST = 10_000


def show_rules(visit: Visit) -> Response:
    """The rules; for a repository with what its policy does today."""
    return _show(visit, find_held(visit))


def change_rules(visit: Visit) -> Response:
    """What a button of the page says: keep patterns, keep or try a policy, carry it out, set a limit."""
    held = find_held(visit)
    try:
        return _CHANGES[str(visit.form.get("do", ""))](visit, held)
    except KeyError:
        raise Invalid("the form cannot be read: it is not UTF-8, or has too many fields") from None
    except CapasError as error:
        return _show(visit, held, wrong=error)


def _keep_patterns(visit: Visit, held: Held) -> Response:
    wanted = str(visit.form.get("patterns", ""))[:_LONGEST].split()
    rules.set_patterns(held.ask, held.kind, held.name, body=rules.NewPatterns(wanted))
    return visit.redirect(held.path + "/rules", said=visit.say("The immutable tags were set."))


def _keep_policy(visit: Visit, held: Held) -> Response:
    policy = _read_policy(visit)
    if policy.is_empty:
        rules.remove_retention(held.ask, held.kind, held.name)
    else:
        rules.set_retention(held.ask, held.kind, held.name, body=policy)
    return visit.redirect(held.path + "/rules", said=visit.say("The retention rules were set."))


def _try_policy(visit: Visit, held: Held) -> Response:
    return _show(visit, held, tried=_read_policy(visit))


def _sweep(visit: Visit, held: Held) -> Response:
    found = rules.sweep(held.ask, held.name)
    said = visit.say_number("{n} tag or image went.", "{n} tags and images went.", len(found.going))
    return visit.redirect(held.path + "/rules", said=said)


def _set_limit(visit: Visit, held: Held) -> Response:
    require_admin(visit.hub, visit.identity)
    megabytes = _whole(visit.form.get("limit"))
    limit = rules.Limit(None if megabytes is None else megabytes * 1_000_000)
    rules.set_namespace_limit(held.ask, held.name, body=limit)
    return visit.redirect(held.path + "/rules", said=visit.say("The limit was set."))


_CHANGES = {
    "patterns": _keep_patterns,
    "policy": _keep_policy,
    "try": _try_policy,
    "sweep": _sweep,
    "limit": _set_limit,
}


def _show(visit: Visit, held: Held, *, wrong: CapasError | None = None, tried: Policy | None = None) -> Response:
    ask, is_repository = held.ask, held.about is not None
    kept = rules.get_retention(ask, held.kind, held.name)
    plan = rules.plan(ask, held.name, tried) if is_repository and not wrong else None
    return visit.page(
        "rules.html",
        status=400 if wrong else 200,
        **held.facts,
        patterns=rules.get_patterns(ask, held.kind, held.name),
        retention=kept,
        policy=tried or kept.policy or Policy(),
        tried=tried,
        plan=plan,
        usage=None if is_repository else rules.get_namespace_usage(ask, held.name),
        is_admin=visit.hub.rights.is_admin(visit.identity),
        wrong=visit.say(wrong.message, **wrong.facts) if wrong else "",
    )


def _read_policy(visit: Visit) -> Policy:
    """The form's rows; one without a pattern is none."""
    rows = (_read_rule(visit, row) for row in range(_ROWS))
    return Policy(tuple(row for row in rows if row is not None), _whole(visit.form.get("untagged_days")))


def _read_rule(visit: Visit, row: int) -> Rule | None:
    pattern = str(visit.form.get(f"tags{row}", "")).strip()
    if not pattern:
        return None
    limits = {name: _whole(visit.form.get(f"{name}{row}")) for name in ("newest", "pushed_days", "pulled_days")}
    try:
        return from_plain({"tags": pattern, **limits}, Rule)
    except msgspec.ValidationError:
        raise Invalid("not a whole number: {text}", text="0") from None


def _whole(value: object) -> int | None:
    text = str(value or "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("not a whole number: {text}", text=text[:40])
    return int(text) if text else None


ROUTES = [
    page_route("/r/{name:path}/-/rules", show=show_rules, change=change_rules),
    page_route("/u/{name}/-/rules", show=show_rules, change=change_rules),
]
