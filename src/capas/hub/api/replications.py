"""Rules of replication and what their runs did. For administrators."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from capas.errors import NotFound
from capas.hub.api.accounts import Line
from capas.hub.api.operation import Ask, Operation, Page, Taken
from capas.hub.copying.replication import desk, rules, runs
from capas.hub.copying.replication.rules import Rule, check_rule
from capas.hub.copying.replication.runs import Run
from capas.hub.people.required import require_admin

Pattern = Annotated[str, Meta(min_length=1, max_length=255)]
Patterns = Annotated[tuple[Pattern, ...], Meta(min_length=1, max_length=50)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[int, Meta(ge=0, le=31_536_000)]


class RuleWanted(Taken, frozen=True, kw_only=True):
    """A rule. Names below `source_prefix` that match `repositories` are put below `target_prefix`.

    `newest`: of tags that are versions only so many; 0 is all. `password` null: as it was,
    unless registry or user change.
    """

    direction: Literal["push", "pull"]
    registry: Annotated[str, Meta(max_length=300)]
    repositories: Patterns = ("*",)
    tags: Patterns = ("*",)
    newest: Count = 0
    source_prefix: Line = ""
    target_prefix: Line = ""
    username: Line = ""
    password: Annotated[str, Meta(max_length=4000)] | None = None
    on_event: bool = False
    every_seconds: Seconds = 0
    deletes: bool = False
    is_active: bool = True

    def named(self, name: str) -> Rule:
        """The rule of this name. Raises: Invalid."""
        values = {key: value for key, value in msgspec.structs.asdict(self).items() if key != "password"}
        return check_rule(Rule(name=name, **values))


class NewRule(RuleWanted, frozen=True, kw_only=True):
    """A rule to be made."""

    name: str


class RuleSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A rule; of its password only whether there is one. `due_ns`: when the clock starts it next, 0 for never."""

    name: str
    direction: Literal["push", "pull"]
    registry: str
    repositories: tuple[str, ...]
    tags: tuple[str, ...]
    newest: int
    source_prefix: str
    target_prefix: str
    username: str
    has_password: bool
    on_event: bool
    every_seconds: int
    deletes: bool
    is_active: bool
    due_ns: int


class RunSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A run. Counts are of tags; `scope` names what it is about, empty for all that the rule covers."""

    number: int
    cause: str
    scope: str
    state: Literal["waiting", "running", "done", "failed"]
    made_ns: int
    due_ns: int
    began_ns: int
    ended_ns: int
    attempts: int
    copied: int
    same: int
    deleted: int
    failed: int
    sent_bytes: int
    error: str


class ItemSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did with one tag, or with a digest."""

    repository: str
    reference: str
    digest: str
    outcome: Literal["copied", "deleted", "failed"]
    why: str
    sent_bytes: int


class RunsWanted(Taken, frozen=True):
    """The newest first."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None


def list_rules(ask: Ask) -> Page[RuleSeen]:
    """The rules, by name."""
    require_admin(ask.hub, ask.identity)
    return Page([_rule(one) for one in ask.hub.database.read(rules.list_rules)])


def create_rule(ask: Ask, *, body: NewRule) -> RuleSeen:
    """Make a rule."""
    require_admin(ask.hub, ask.identity)
    values = {key: value for key, value in msgspec.structs.asdict(body).items() if key not in ("name", "password")}
    rule = check_rule(Rule(name=body.name, **values))
    return _rule(desk.create(ask.hub, rule, body.password or "", ask.by))


def get_rule(ask: Ask, name: str) -> RuleSeen:
    """A rule."""
    require_admin(ask.hub, ask.identity)
    return _rule(ask.hub.database.read(lambda db: rules.get_rule(db, name)))


def set_rule(ask: Ask, name: str, *, body: RuleWanted) -> RuleSeen:
    """Let the rule be so."""
    require_admin(ask.hub, ask.identity)
    ask.hub.database.read(lambda db: rules.get_rule(db, name))
    return _rule(desk.change(ask.hub, name, body.named(name), body.password, ask.by))


def delete_rule(ask: Ask, name: str) -> None:
    """Forget the rule and its history; what it copied stays."""
    require_admin(ask.hub, ask.identity)
    desk.remove(ask.hub, name, ask.by)


def start_run(ask: Ask, name: str) -> RunSeen:
    """Let the rule run now."""
    require_admin(ask.hub, ask.identity)
    return _run(desk.start(ask.hub, name, ask.by))


def list_runs(ask: Ask, name: str, *, query: RunsWanted) -> Page[RunSeen]:
    """What the rule did, the newest run first."""
    require_admin(ask.hub, ask.identity)
    rule = ask.hub.database.read(lambda db: rules.get_rule(db, name))
    found = ask.hub.database.read(lambda db: runs.list_runs(db, rule.number, query.limit, query.after))
    return Page([_run(one) for one in found], str(found[-1].number) if len(found) == query.limit else None)


def list_items(ask: Ask, name: str, number: int) -> Page[ItemSeen]:
    """What one run did, failures first; what was the same already is only counted."""
    require_admin(ask.hub, ask.identity)
    rule = ask.hub.database.read(lambda db: rules.get_rule(db, name))
    run = ask.hub.database.read(lambda db: runs.find_run(db, number))
    if run is None or run.rule != rule.number:
        raise NotFound("the replication {name} has no run {number}", name=name, number=number)
    return Page([ItemSeen(**one._asdict()) for one in ask.hub.database.read(lambda db: runs.list_items(db, number))])


def _rule(rule: Rule) -> RuleSeen:
    hidden = ("secret", "number")
    return RuleSeen(
        **{key: value for key, value in rule._asdict().items() if key not in hidden},
        has_password=rule.secret is not None,
    )


def _run(run: Run) -> RunSeen:
    return RunSeen(**{key: value for key, value in run._asdict().items() if key != "rule"})


OPERATIONS = (
    Operation("GET", "/replications", list_rules),
    Operation("POST", "/replications", create_rule, status=201),
    Operation("GET", "/replications/{name}", get_rule),
    Operation("PUT", "/replications/{name}", set_rule),
    Operation("DELETE", "/replications/{name}", delete_rule),
    Operation("POST", "/replications/{name}/runs", start_run, status=201),
    Operation("GET", "/replications/{name}/runs", list_runs),
    Operation("GET", "/replications/{name}/runs/{number:int}", list_items),
)
