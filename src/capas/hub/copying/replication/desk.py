"""What administrators do with rules of replication: each change with its line in the audit log."""

from __future__ import annotations

from sqlalchemy import Connection

from capas.hub.copying.replication import rules, runs
from capas.hub.copying.replication.rules import Rule
from capas.hub.copying.replication.runs import Run
from capas.hub.hub import Hub
from capas.hub.people.audit import By, note


def create(hub: Hub, rule: Rule, secret: str, by: By) -> Rule:
    """Make a rule. `secret`: of its login, kept encrypted. Raises: Invalid; Denied; AlreadyExists."""
    hub.outside.check_url(rule.registry)
    sealed = rule._replace(secret=_seal(hub, rule, secret))

    def add(db: Connection) -> Rule:
        made = rules.add_rule(db, sealed, by.now_ns)
        note(db, by, "replication.create", rule.name, detail={"direction": rule.direction, "registry": rule.registry})
        return made

    return hub.database.write(add)


def change(hub: Hub, name: str, rule: Rule, secret: str | None, by: By) -> Rule:
    """Let the rule called `name` be so, under its name. `secret` None: as it was.

    A login is for one registry and one name: where either changes, the old secret is forgotten, never sent elsewhere.
    Raises: NotFound; Invalid; Denied.
    """
    hub.outside.check_url(rule.registry)

    def work(db: Connection) -> Rule:
        old = rules.get_rule(db, name)
        is_same = (old.registry, old.username) == (rule.registry, rule.username)
        kept = old.secret if secret is None and is_same else _seal(hub, rule, secret or "")
        changed = rule._replace(name=name, number=old.number, secret=kept)
        rules.change_rule(db, changed)
        note(db, by, "replication.change", name, detail={"registry": rule.registry})
        return changed

    return hub.database.write(work)


def remove(hub: Hub, name: str, by: By) -> None:
    """Forget a rule with its history. What it copied stays. Raises: NotFound."""

    def work(db: Connection) -> None:
        rules.remove_rule(db, name)
        note(db, by, "replication.delete", name)

    hub.database.write(work)


def start(hub: Hub, name: str, by: By) -> Run:
    """Let the rule run now, by whichever process comes first. Raises: NotFound."""

    def work(db: Connection) -> Run:
        rule = rules.get_rule(db, name)
        number = runs.enqueue(db, rule.number, "hand", "", by.now_ns)
        note(db, by, "replication.run", name)
        return runs.get_run(db, number)

    return hub.database.write(work)


def _seal(hub: Hub, rule: Rule, secret: str) -> bytes | None:
    return hub.seal.close(secret) if rule.username and secret else None
