"""The rules for immutable tags: patterns of a repository, or of a namespace."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, select

from capas.errors import Invalid
from capas.hub.keeping.place import Place
from capas.hub.records.tables.keeping import immutable_tags

_MOST = 50
_PATTERN = re.compile(r"[\w.\-*?\[\]!]{1,128}", re.ASCII)


def check_pattern(text: str) -> str:
    """The pattern of tags: `*` is anything, `?` one character, `[abc]` one of these. Raises: Invalid."""
    if not _PATTERN.fullmatch(text):
        raise Invalid("{pattern} is no pattern of tags", pattern=text[:150], hint="write one like v*, 1.?.0 or latest")
    return text


def list_patterns(db: Connection, place: Place) -> list[str]:
    """The place's own patterns, in order."""
    c = immutable_tags.c
    return list(db.execute(select(c.pattern).where(place.own(immutable_tags)).order_by(c.pattern)).scalars())


def list_inherited(db: Connection, place: Place) -> list[str]:
    """The patterns that hold in a repository because its namespace has them."""
    if place.within is None:
        return []
    c = immutable_tags.c
    return list(db.execute(select(c.pattern).where(c.namespace == place.within).order_by(c.pattern)).scalars())


def set_patterns(db: Connection, place: Place, patterns: Sequence[str]) -> list[str]:
    """Let these be the place's patterns, and no others: as they are now. Raises: Invalid."""
    wanted = sorted({check_pattern(one) for one in patterns})
    if len(wanted) > _MOST:
        raise Invalid("at most {most} patterns", most=_MOST)
    db.execute(immutable_tags.delete().where(place.own(immutable_tags)))
    if wanted:
        db.execute(immutable_tags.insert(), [{**place.values, "pattern": one} for one in wanted])
    return wanted
