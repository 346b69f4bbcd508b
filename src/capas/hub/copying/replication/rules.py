"""Rules of replication: what is copied, from where to where, and when."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection, Row, select

from capas.errors import AlreadyExists, Invalid, NotFound
from capas.hub.copying.replication.choice import matches
from capas.hub.distribution.names import is_repository
from capas.hub.records.tables.copying import replications
from capas.oci.document import encode
from capas.registry.trust import is_loopback

Direction = Literal["push", "pull"]
_MOST_PATTERNS = 50
_SOONEST_SECONDS = 60
_C = replications.c


class Rule(NamedTuple):
    """One rule. `number` is its key; `secret` is sealed. Names below `source_prefix` are put below `target_prefix`."""

    name: str
    direction: Direction
    registry: str
    repositories: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ("*",)
    newest: int = 0
    source_prefix: str = ""
    target_prefix: str = ""
    username: str = ""
    secret: bytes | None = None
    on_event: bool = False
    every_seconds: int = 0
    deletes: bool = False
    is_active: bool = True
    number: int = 0
    due_ns: int = 0

    def __repr__(self) -> str:
        return f"Rule({self.name!r})"

    @property
    def host(self) -> str:
        """The registry's host and port."""
        return urlsplit(self.registry).netloc

    def covers(self, repository: str) -> bool:
        """Whether a repository of the source is copied."""
        rest = _below(repository, self.source_prefix)
        return rest is not None and matches(rest, self.repositories)

    def target_of(self, repository: str) -> str:
        """What a repository of the source is called at the target."""
        rest = _below(repository, self.source_prefix) or repository
        return f"{self.target_prefix}/{rest}" if self.target_prefix else rest


def check_rule(rule: Rule) -> Rule:
    """The rule. Raises: Invalid for one that no hub can keep to."""
    parts = urlsplit(rule.registry)
    if not is_repository(rule.name) or "/" in rule.name:
        raise Invalid("a rule's name has small letters, digits, dots and dashes, not {name!r}", name=rule.name[:100])
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.path.strip("/"):
        raise Invalid(
            "not the address of a registry: {address}", address=rule.registry[:200], hint="write https://host"
        )
    if rule.username and parts.scheme == "http" and not is_loopback(parts.netloc):
        raise Invalid("the login for {host} would be sent in plain http: use https", host=parts.netloc)
    for prefix in (rule.source_prefix, rule.target_prefix):
        if prefix and not is_repository(prefix):
            raise Invalid("not the beginning of a repository's name: {prefix!r}", prefix=prefix[:100])
    for patterns in (rule.repositories, rule.tags):
        if not 0 < len(patterns) <= _MOST_PATTERNS or not all(0 < len(one) <= 255 for one in patterns):
            raise Invalid("a rule has from 1 to {most} patterns of repositories, and of tags", most=_MOST_PATTERNS)
    if rule.every_seconds and rule.every_seconds < _SOONEST_SECONDS:
        raise Invalid("a rule runs every {least} seconds at the most", least=_SOONEST_SECONDS)
    if rule.on_event and rule.direction == "pull":
        raise Invalid("what happens in another registry is not told here: let the rule run every so many seconds")
    return rule


def add_rule(db: Connection, rule: Rule, now_ns: int) -> Rule:
    """Keep a new rule. Raises: Invalid; AlreadyExists."""
    if db.execute(select(_C.id).where(_C.name == check_rule(rule).name)).scalar() is not None:
        raise AlreadyExists("there is a rule called {name} already", name=rule.name)
    line = {**_values(rule), "created_ns": now_ns}
    number = db.execute(replications.insert().values(line).returning(_C.id)).scalar_one()
    return rule._replace(number=number, due_ns=0)


def change_rule(db: Connection, rule: Rule) -> None:
    """Let the rule with this number be so. Raises: Invalid."""
    db.execute(replications.update().where(_C.id == rule.number).values(_values(check_rule(rule))))


def remove_rule(db: Connection, name: str) -> None:
    """Forget it, and what it did. Nothing is deleted anywhere. Raises: NotFound."""
    if not db.execute(replications.delete().where(_C.name == name)).rowcount:
        raise _unknown(name)


def get_rule(db: Connection, name: str) -> Rule:
    """By name. Raises: NotFound."""
    row = db.execute(select(replications).where(_C.name == name)).one_or_none()
    if row is None:
        raise _unknown(name)
    return _rule(row)


def find_rule(db: Connection, number: int) -> Rule | None:
    """By number."""
    row = db.execute(select(replications).where(_C.id == number)).one_or_none()
    return _rule(row) if row else None


def list_rules(db: Connection) -> list[Rule]:
    """All of them, by name."""
    return [_rule(row) for row in db.execute(select(replications).order_by(_C.name)).all()]


def _unknown(name: str) -> NotFound:
    return NotFound("there is no rule of replication called {name}", name=name[:100])


def _values(rule: Rule) -> dict[str, Any]:
    values = {key: value for key, value in rule._asdict().items() if key not in ("number", "due_ns")}
    lists = {key: encode(values[key]).decode() for key in ("repositories", "tags")}
    return {**values, **lists}


def _rule(row: Row[Any]) -> Rule:
    values = {key: value for key, value in row._asdict().items() if key in Rule._fields}
    lists = {key: tuple(msgspec.json.decode(values[key], type=list[str])) for key in ("repositories", "tags")}
    return Rule(**{**values, **lists, "number": row.id})


def _below(name: str, prefix: str) -> str | None:
    if not prefix:
        return name
    return name[len(prefix) + 1 :] if name.startswith(prefix + "/") else None
