"""Suggestions for a mistyped name: words that are nearly the same, among what the asker may know of."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, select

from capas.hub.hub import Hub
from capas.hub.people.access import Identity
from capas.hub.records.tables.finding import postings, spellings
from capas.hub.records.tables.images import repositories
from capas.hub.records.words import NAME, distance, spellings_of, terms_of

_MOST_WORDS = 5  # words tried for each that was mistyped
_R = repositories.c


class _Near(NamedTuple):
    away: int
    word: str


def suggest(hub: Hub, identity: Identity, text: str, limit: int = 5) -> list[str]:
    """Names of repositories that may have been meant, the likeliest first; none where nothing is near."""
    allowed = hub.rights.readable(identity)
    return hub.database.read(lambda db: _suggest(db, allowed, text, limit))


def _suggest(db: Connection, allowed: ColumnElement[bool], text: str, limit: int) -> list[str]:
    candidates = {term: _near(db, allowed, term) for term in terms_of(text)}
    meant = [term for term, near in candidates.items() if near]
    if not meant:
        return []
    having = [_named_one(near) for near in candidates.values() if near]
    order = [_R.is_official.desc(), _R.stars.desc(), _R.pulls.desc(), _R.name]
    # the last word is that of the image itself; the others (a namespace) may be wrong altogether
    for conditions in (having, [_named_one(candidates[meant[-1]])]):
        found = db.execute(select(_R.name).where(allowed, *conditions).order_by(*order).limit(50)).scalars()
        ranked = sorted(found, key=lambda name: _away(name, text))  # stable: the most popular first
        if ranked:
            return ranked[:limit]
    return []


def _near(db: Connection, allowed: ColumnElement[bool], term: str) -> list[_Near]:
    """The words of names nearest to the term, itself if it is one."""
    forms = select(spellings.c.word).where(spellings.c.spelling.in_(spellings_of(term))).distinct()
    words = (_Near(distance(term, word), word) for word in db.execute(forms).scalars())
    near = sorted(one for one in words if one.away <= _most_away(term))
    visible = (one for one in near if _is_named(db, allowed, one.word))
    return list(islice(visible, _MOST_WORDS))


def _most_away(term: str) -> int:
    return 0 if len(term) < 3 else 1 if len(term) < 5 else 2


def _is_named(db: Connection, allowed: ColumnElement[bool], word: str) -> bool:
    named = select(_R.id).join(postings, postings.c.repository == _R.id)
    return db.execute(named.where(_at(word), allowed).limit(1)).first() is not None


def _named_one(near: list[_Near]) -> ColumnElement[bool]:
    words = [one.word for one in near]
    named = select(postings.c.repository).where(postings.c.place == NAME, postings.c.word.in_(words))
    return _R.id.in_(named)


def _at(word: str) -> ColumnElement[bool]:
    return and_(postings.c.place == NAME, postings.c.word == word)


def _away(name: str, text: str) -> int:
    typed = text.strip().lower()
    return min(distance(name, typed), distance(name.rpartition("/")[2], typed.rpartition("/")[2]))
