"""The rules of repositories and namespaces: immutable tags, retention, and how much a namespace may hold.

`kind` is `repositories` or `namespaces`, in which the rules hold; `name` is its name.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from capas.hub.api.operation import Ask, Operation, Taken
from capas.hub.keeping import patterns, policy, retention
from capas.hub.keeping.place import get_namespace_place
from capas.hub.keeping.plan import Plan
from capas.hub.keeping.policy import Policy
from capas.hub.keeping.usage import Usage, get_usage
from capas.hub.people.audit import note
from capas.hub.people.held import manage
from capas.hub.people.required import require, require_admin, require_role
from capas.hub.records.quota import set_limit


class Patterns(msgspec.Struct, frozen=True):
    """Tags that match one of these are made once. `inherited`: those that a repository has of its namespace."""

    patterns: list[str]
    inherited: list[str]


class NewPatterns(Taken, frozen=True):
    """All of them: what is not given holds no more."""

    patterns: Annotated[list[str], Meta(max_length=50)]


class Retention(msgspec.Struct, frozen=True):
    """The policy of its own, and the one of a repository's namespace that holds where there is none."""

    policy: Policy | None
    inherited: Policy | None


class Judged(msgspec.Struct, frozen=True):
    """What becomes of a tag, or of a manifest that no tag leads to, and why."""

    tag: str | None
    digest: str
    stays: bool
    reasons: list[str]


class Judgement(msgspec.Struct, frozen=True):
    """What a policy makes of a repository."""

    tags: list[Judged]
    untagged: list[Judged]


class Limit(Taken, frozen=True):
    """How many bytes a namespace may hold; null: any number."""

    limit_bytes: Annotated[int, Meta(ge=0, le=2**62)] | None


def get_patterns(ask: Ask, kind: str, name: str) -> Patterns:
    """The patterns of immutable tags. For owners."""
    place = manage(ask.hub, ask.identity, kind, name)
    found = ask.hub.database.read(lambda db: (patterns.list_patterns(db, place), patterns.list_inherited(db, place)))
    return Patterns(*found)


def set_patterns(ask: Ask, kind: str, name: str, *, body: NewPatterns) -> Patterns:
    """Set the patterns of immutable tags. For owners."""
    place = manage(ask.hub, ask.identity, kind, name)

    def change(db: Connection) -> None:
        kept = patterns.set_patterns(db, place, body.patterns)
        note(db, ask.by, "rules.immutable", name, detail={"patterns": kept})

    ask.hub.database.write(change)
    return get_patterns(ask, kind, name)


def get_retention(ask: Ask, kind: str, name: str) -> Retention:
    """The policy of retention. For owners."""
    place = manage(ask.hub, ask.identity, kind, name)
    found = ask.hub.database.read(lambda db: (policy.find_policy(db, place), policy.find_inherited(db, place)))
    return Retention(*found)


def set_retention(ask: Ask, kind: str, name: str, *, body: Policy) -> Retention:
    """Set the policy of retention. For owners. It is kept to once a day, or when somebody asks for it."""
    _set_retention(ask, kind, name, body)
    return get_retention(ask, kind, name)


def remove_retention(ask: Ask, kind: str, name: str) -> None:
    """Have no policy of its own any more. For owners."""
    _set_retention(ask, kind, name, None)


def preview_retention(ask: Ask, name: str) -> Judgement:
    """What the policy that holds in a repository would do, and why. Nothing is changed. For owners."""
    return _show(plan(ask, name))


def try_retention(ask: Ask, name: str, *, body: Policy) -> Judgement:
    """What another policy would do in a repository, and why. Nothing is changed. For owners."""
    return _show(plan(ask, name, body))


def run_retention(ask: Ask, name: str) -> Judgement:
    """Keep to the policy now. For owners."""
    return _show(sweep(ask, name))


def plan(ask: Ask, name: str, wanted: Policy | None = None) -> Plan:
    """What a policy would do; the one that holds, if none is given."""
    require(ask.hub, ask.identity, name, "manage")
    return retention.preview(ask.hub, name, None if wanted is None else policy.check_policy(wanted))


def sweep(ask: Ask, name: str) -> Plan:
    """What was done."""
    require(ask.hub, ask.identity, name, "manage")
    return retention.sweep(ask.hub, name, ask.by)


def get_namespace_usage(ask: Ask, name: str) -> Usage:
    """What a namespace holds, and may hold. For those with a role in it, and administrators."""
    if not ask.hub.rights.is_admin(ask.identity):
        require_role(ask.hub, ask.identity, name, "reader")
    return get_usage(ask.hub.database, name)


def set_namespace_limit(ask: Ask, name: str, *, body: Limit) -> Usage:
    """Let a namespace hold so much. For administrators. What is there already stays."""
    require_admin(ask.hub, ask.identity)

    def change(db: Connection) -> None:
        set_limit(db, get_namespace_place(db, name).namespace or 0, body.limit_bytes)
        note(db, ask.by, "rules.limit", name, detail={"limit_bytes": body.limit_bytes})

    ask.hub.database.write(change)
    return get_usage(ask.hub.database, name)


def _set_retention(ask: Ask, kind: str, name: str, wanted: Policy | None) -> None:
    place = manage(ask.hub, ask.identity, kind, name)

    def change(db: Connection) -> None:
        policy.set_policy(ask.hub.database, db, place, wanted)
        note(db, ask.by, "rules.retention", name, detail={"policy": msgspec.to_builtins(wanted)})

    ask.hub.database.write(change)


def _show(found: Plan) -> Judgement:
    shown = [
        [Judged(one.tag or None, one.digest, one.stays, [str(why) for why in one.reasons]) for one in verdicts]
        for verdicts in found
    ]
    return Judgement(*shown)


OPERATIONS = (
    Operation("GET", "/immutable-tags/{kind}/{name:path}", get_patterns),
    Operation("PUT", "/immutable-tags/{kind}/{name:path}", set_patterns),
    Operation("GET", "/retention/{kind}/{name:path}", get_retention),
    Operation("PUT", "/retention/{kind}/{name:path}", set_retention),
    Operation("DELETE", "/retention/{kind}/{name:path}", remove_retention),
    Operation("GET", "/retention-plans/{name:path}", preview_retention),
    Operation("PUT", "/retention-plans/{name:path}", try_retention),
    Operation("POST", "/retention-plans/{name:path}", run_retention),
    Operation("GET", "/quotas/{name}", get_namespace_usage),
    Operation("PUT", "/quotas/{name}", set_namespace_limit),
)
