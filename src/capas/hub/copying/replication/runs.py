"""Runs of rules: queued once, taken by one process at a time, tried again when they fail, and their story kept.

A process that does a run says so every few seconds; one that was silent for a minute is dead, and its run is taken up
by another. A run that waits stands for all that ask for the same meanwhile.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, and_, or_, select

from capas.hub.records.tables.copying import replicated, replication_items, replication_runs, replications
from capas.hub.spans import SECOND_NS

Cause = Literal["event", "schedule", "hand"]
State = Literal["waiting", "running", "done", "failed"]
BEAT_SECONDS = 10
_DEAD_SECONDS = 60
_MOST_ATTEMPTS = 5
_FIRST_WAIT_SECONDS = 30
_KEPT_RUNS = 100  # of one rule
_R = replication_runs.c


class Run(NamedTuple):
    """One run. `scope` is what of the source it is about; empty: all that the rule covers. Counts are of tags."""

    number: int
    rule: int
    cause: Cause
    scope: str
    state: State
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


class Item(NamedTuple):
    """What a run did with one tag (or digest). `outcome`: copied | same | deleted | failed."""

    repository: str
    reference: str
    digest: str
    outcome: str
    why: str = ""
    sent_bytes: int = 0


_RUN = select(*(_R.id if name == "number" else _R[name] for name in Run._fields))


def enqueue(db: Connection, rule: int, cause: Cause, scope: str, now_ns: int) -> int:
    """Let the rule run soon; its number, or that of the run that waits for the same."""
    waiting = select(_R.id).where(_R.rule == rule, _R.scope == scope, _R.state == "waiting")
    found = db.execute(waiting.limit(1)).scalar()
    if found is not None:
        db.execute(replication_runs.update().where(_R.id == found).values(due_ns=now_ns))
        return int(found)
    line = {"rule": rule, "cause": cause, "scope": scope, "state": "waiting", "made_ns": now_ns, "due_ns": now_ns}
    return int(db.execute(replication_runs.insert().values(line).returning(_R.id)).scalar_one())


def enqueue_due(db: Connection, now_ns: int) -> None:
    """Start the rules whose time has come by the clock. Done by whichever process comes first."""
    c = replications.c
    due = select(c.id, c.every_seconds, c.due_ns).where(c.is_active, c.every_seconds > 0, c.due_ns <= now_ns)
    for row in db.execute(due).all():
        following = now_ns + row.every_seconds * SECOND_NS
        ours = replications.update().where(c.id == row.id, c.due_ns == row.due_ns).values(due_ns=following)
        if db.execute(ours).rowcount:
            enqueue(db, row.id, "schedule", "", now_ns)


def claim(db: Connection, holder: str, now_ns: int, *, number: int | None = None) -> Run | None:
    """Take the run that is due (or this one), unless one of the same rule is under way; None where there is none."""
    alive_ns = now_ns - _DEAD_SECONDS * SECOND_NS
    busy = select(_R.rule).where(_R.state == "running", _R.beat_ns >= alive_ns)
    free = or_(and_(_R.state == "waiting", _R.due_ns <= now_ns), and_(_R.state == "running", _R.beat_ns < alive_ns))
    wanted = select(_R.id).where(free, _R.rule.not_in(busy)).order_by(_R.due_ns)
    if number is not None:
        wanted = wanted.where(_R.id == number)
    for found in db.execute(wanted.limit(5)).scalars().all():
        zero = dict.fromkeys(("copied", "same", "deleted", "failed", "sent_bytes"), 0)
        taken = {"state": "running", "holder": holder, "began_ns": now_ns, "beat_ns": now_ns, "error": "", **zero}
        ours = replication_runs.update().where(_R.id == found, free).values(**taken, attempts=_R.attempts + 1)
        if db.execute(ours).rowcount:
            db.execute(replication_items.delete().where(replication_items.c.run == found))
            return get_run(db, found)
    return None


def beat(db: Connection, number: int, holder: str, now_ns: int) -> bool:
    """Say that the run goes on. False where it is ours no more."""
    ours = replication_runs.update().where(_R.id == number, _R.holder == holder, _R.state == "running")
    return db.execute(ours.values(beat_ns=now_ns)).rowcount > 0


def note_item(db: Connection, number: int, item: Item) -> None:
    """Count what was done with a tag, and tell of it unless it was the same already."""
    change: dict[str, Any] = {item.outcome: _R[item.outcome] + 1, "sent_bytes": _R.sent_bytes + item.sent_bytes}
    db.execute(replication_runs.update().where(_R.id == number).values(change))
    if item.outcome != "same":
        db.execute(replication_items.insert().values(run=number, **item._asdict()))


def end(db: Connection, run: Run, holder: str, error: str, now_ns: int) -> None:
    """The run is over; it waits for another try where it failed and there are any left."""
    failed = bool(error) or get_run(db, run.number).failed > 0
    again = failed and run.attempts < _MOST_ATTEMPTS
    wait_ns = _FIRST_WAIT_SECONDS * 2 ** (run.attempts - 1) * SECOND_NS
    state = "waiting" if again else "failed" if failed else "done"
    line = {
        "state": state,
        "error": error[:1000],
        "ended_ns": now_ns,
        "due_ns": now_ns + wait_ns if again else run.due_ns,
    }
    db.execute(replication_runs.update().where(_R.id == run.number, _R.holder == holder).values(line))
    kept = select(_R.id).where(_R.rule == run.rule).order_by(_R.id.desc()).limit(_KEPT_RUNS)
    old = (_R.rule == run.rule, _R.state.in_(("done", "failed")), _R.id.not_in(kept))
    db.execute(replication_runs.delete().where(*old))


def get_run(db: Connection, number: int) -> Run:
    """By number, which is known to be there."""
    return Run(*db.execute(_RUN.where(_R.id == number)).one())


def find_run(db: Connection, number: int) -> Run | None:
    """By number."""
    row = db.execute(_RUN.where(_R.id == number)).one_or_none()
    return Run(*row) if row else None


def list_runs(db: Connection, rule: int, limit: int = 50, before: int | None = None) -> list[Run]:
    """The newest first. `before`: the number to go on from."""
    found = _RUN.where(_R.rule == rule)
    if before is not None:
        found = found.where(_R.id < before)
    return [Run(*row) for row in db.execute(found.order_by(_R.id.desc()).limit(limit)).all()]


def list_items(db: Connection, number: int, limit: int = 1000) -> list[Item]:
    """What a run did, failures first."""
    c = replication_items.c
    found = select(*(c[name] for name in Item._fields)).where(c.run == number)
    return [Item(**row._asdict()) for row in db.execute(found.order_by(c.outcome != "failed", c.id).limit(limit)).all()]


def note_replicated(db: Connection, rule: int, repository: str, tag: str, digest: str | None) -> None:
    """What the rule put at its target under this tag; None: nothing any more."""
    c = replicated.c
    here = (c.rule == rule, c.repository == repository, c.tag == tag)
    if digest is None:
        db.execute(replicated.delete().where(*here))
    elif not db.execute(replicated.update().where(*here).values(digest=digest)).rowcount:
        db.execute(replicated.insert().values(rule=rule, repository=repository, tag=tag, digest=digest))


def list_replicated(db: Connection, rule: int, repository: str | None = None) -> list[tuple[str, str, str]]:
    """Repository, tag and digest of what the rule put at its target."""
    c = replicated.c
    found = select(c.repository, c.tag, c.digest).where(c.rule == rule)
    if repository is not None:
        found = found.where(c.repository == repository)
    return [(row.repository, row.tag, row.digest) for row in db.execute(found.order_by(c.repository, c.tag)).all()]
