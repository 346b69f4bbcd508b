"""What is to stay in a repository, as its owners say it, and where that is kept."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import Connection, select

from capas.errors import Invalid
from capas.hub.keeping.patterns import check_pattern
from capas.hub.keeping.place import Place
from capas.hub.records.database import Database
from capas.hub.records.tables.keeping import retention
from capas.typed import from_json

_MOST = 50
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Days = Annotated[int, msgspec.Meta(ge=0, le=36500)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keeps tags of a pattern: the newest so many by push, those pushed or pulled in the last days; else all."""

    tags: str = "*"
    newest: Count | None = None
    pushed_days: Days | None = None
    pulled_days: Days | None = None

    @property
    def is_always(self) -> bool:
        """Whether it keeps all tags of its pattern."""
        return self.newest is None and self.pushed_days is None and self.pulled_days is None


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tag goes if a rule is about it and none keeps it. `untagged_days`: what no tag leads to goes after so long."""

    rules: Annotated[tuple[Rule, ...], msgspec.Meta(max_length=_MOST)] = ()
    untagged_days: Days | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything stay."""
        return not self.rules and self.untagged_days is None


def check_policy(policy: Policy) -> Policy:
    """Raises: Invalid."""
    if len(policy.rules) > _MOST:
        raise Invalid("at most {most} rules", most=_MOST)
    for rule in policy.rules:
        check_pattern(rule.tags)
    return policy


def find_policy(db: Connection, place: Place) -> Policy | None:
    """The place's own."""
    text = db.execute(select(retention.c.policy).where(place.own(retention))).scalar()
    return None if text is None else from_json(text, Policy)


def find_inherited(db: Connection, place: Place) -> Policy | None:
    """The one that a repository's namespace has."""
    return None if place.within is None else find_policy(db, Place("", namespace=place.within))


def find_effective(db: Connection, place: Place) -> Policy | None:
    """The one that holds in a repository."""
    return find_policy(db, place) or find_inherited(db, place)


def set_policy(database: Database, db: Connection, place: Place, policy: Policy | None) -> None:
    """Let it be the place's own, from now on; None: it has none. Raises: Invalid."""
    if policy is None:
        db.execute(retention.delete().where(place.own(retention)))
        return
    text = msgspec.json.encode(check_policy(policy)).decode()
    column = "repository" if place.repository is not None else "namespace"
    row = database.insert(retention).values(**place.values, policy=text)
    db.execute(row.on_conflict_do_update(index_elements=[column], set_={"policy": text}))
