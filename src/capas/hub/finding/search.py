"""Search: the repositories that have all the words of a query, of those that the asker may know of.

By relevance the name comes first: the very repository that was named, official ones, those whose last part was named,
any other whose name has all the words; then those whose description has them, then the READMEs; the more stars the
earlier. A later group is not looked at where earlier ones fill the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, not_, or_, select

from capas.hub.finding.query import COUNTED, DEEPEST, MOST, Filters, Found, Order, Page, Query
from capas.hub.hub import Hub
from capas.hub.people.access import Identity
from capas.hub.records.tables.finding import postings, stars
from capas.hub.records.tables.images import manifests, repositories
from capas.hub.records.words import DESCRIPTION, NAME, README, SHORTEST_PART, terms_of

_R = repositories.c
_LAST = "\U0010ffff"  # after every word with the same beginning
_FEW = 5000  # repositories that are quick to sort, whatever else there is
_COMMON = 20_000  # repositories that a word is counted in: beyond that it is as common as can be
_PAGE = 25

Condition = ColumnElement[bool]


def search(hub: Hub, identity: Identity, query: Query) -> Page:
    """The page of results that the query asks for."""
    allowed = [hub.rights.readable(identity), *_conditions(hub, identity, query.filters)]
    return hub.database.read(lambda db: _Search(db, allowed, query, identity).page(identity))


class _Criterion(NamedTuple):
    """Something that results have: said of one repository, and as the repositories that have it."""

    has: Condition
    holders: Select[tuple[int]]


class _Group(NamedTuple):
    """Results that belong together. `is_few`: it is quicker to sort them than to meet them in the order of an index."""

    conditions: list[Condition]
    is_few: bool


class _Search:
    """One search on a connection. `allowed`: what every result fulfils, beside words and criteria."""

    def __init__(self, db: Connection, allowed: Sequence[Condition], query: Query, identity: Identity) -> None:
        self._db = db
        self._allowed = allowed
        self._query = query
        self._terms = terms_of(query.text)
        self._wanted = list(_criteria(query.filters, identity))

    def page(self, identity: Identity) -> Page:
        query = self._query
        offset = min(max(query.offset, 0), DEEPEST)
        wanted = offset + min(max(query.limit, 0), MOST)
        found = self._ids(wanted)
        count = len(found) if len(found) < wanted else self._count()
        results = list_found(self._db, found[offset:], identity)
        return Page(tuple(results), max(min(count, COUNTED), len(found)), count > COUNTED)

    def _ids(self, wanted: int) -> list[int]:
        found: list[int] = []
        if self._query.text.strip() and not self._terms:
            return found  # words without a letter are in no repository
        for conditions, is_few in self._groups():
            if len(found) >= wanted:
                break
            order = _order(self._query.order, sort=is_few)
            group = select(_R.id).where(*self._allowed, *conditions).order_by(*order)
            found += self._db.execute(group.limit(wanted - len(found))).scalars()
        return found

    def _groups(self) -> Iterator[_Group]:
        """What belongs to each group of results, the better ones first; made when it is asked for."""
        if self._query.order != "relevance" or not self._terms:
            yield self._having([], README)
            return
        typed = self._query.text.strip().lower()
        exact, short = _R.name.in_([typed, f"library/{typed}"]), _R.short == " ".join(self._terms)
        official = _R.is_official
        passed = [one.has for one in self._wanted]
        yield _Group([exact, *passed], is_few=True)
        yield self._having([~exact], NAME, _OFFICIAL)
        yield _Group([~exact, ~official, short, *passed], is_few=True)
        yield self._having([~exact, ~official, ~short], NAME)
        for place in (DESCRIPTION, README):
            better = and_(*(_said(term, place + 1).has for term in self._terms))
            yield self._having([not_(better)], place)

    def _having(self, rest: list[Condition], place: int, *more: _Criterion) -> _Group:
        """That a repository has all the words, there or in a better place, and what the filters want.

        The rarest of all that gives the candidates; where it is quicker, the best of all repositories are looked at in
        their order until the page is full.
        """
        criteria = [*(_said(term, place) for term in self._terms), *self._wanted, *more]
        if not criteria:
            return _Group(rest, is_few=False)
        counts = [self._size(one) for one in criteria]
        rarest = counts.index(min(counts))
        if counts[rarest] > max(_FEW, self._walk(counts)):
            return _Group([*(one.has for one in criteria), *rest], is_few=False)
        others = (one.has for one in criteria[:rarest] + criteria[rarest + 1 :])
        return _Group([_R.id.in_(criteria[rarest].holders), *others, *rest], is_few=True)

    def _walk(self, counts: list[int]) -> float:
        """How many of all repositories are met until a page is full, if words fall where they fall by chance."""
        every = self._db.execute(select(func.max(_R.id))).scalar() or 0
        return math.prod((every / max(count, 1) for count in counts), start=_PAGE)

    def _size(self, criterion: _Criterion) -> int:
        some = criterion.holders.limit(_COMMON).subquery()
        return self._db.execute(select(func.count()).select_from(some)).scalar_one()

    def _count(self) -> int:
        some = select(_R.id).where(*self._allowed, *self._having([], README).conditions).limit(COUNTED + 1)
        return self._db.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def list_found(db: Connection, ids: Sequence[int], identity: Identity) -> list[Found]:
    """The repositories with these numbers, in this order."""
    starred = exists().where(stars.c.repository == _R.id, stars.c.user == identity.user)
    shown = select(
        _R.id, _R.name, _R.description, _R.is_official, _R.is_public, _R.stars, _R.pulls, _R.updated_ns, _R.pulled_ns,
        starred,
    ).where(_R.id.in_(ids))  # fmt: skip
    rows = {row[0]: Found(*row[1:]) for row in db.execute(shown)}
    return [rows[one] for one in ids]


def _conditions(hub: Hub, identity: Identity, filters: Filters) -> Iterator[Condition]:
    """Filters that many repositories pass."""
    if filters.official is False:
        yield ~_R.is_official
    if filters.mine:
        yield hub.rights.held(identity)
    if filters.visibility:
        yield _R.is_public == (filters.visibility == "public")
    if filters.updated_since_ns:
        yield _R.updated_ns >= filters.updated_since_ns
    if filters.least_stars:
        yield _R.stars >= filters.least_stars
    if filters.namespace:
        yield _R.name.startswith(filters.namespace + "/", autoescape=True)


def _criteria(filters: Filters, identity: Identity) -> Iterator[_Criterion]:
    """Filters that only few may pass."""
    if filters.official:
        yield _OFFICIAL
    if filters.starred:
        mine = stars.c.user == identity.user
        yield _Criterion(exists().where(stars.c.repository == _R.id, mine), select(stars.c.repository).where(mine))
    if filters.platform:
        c = manifests.c
        of = or_(c.platform == filters.platform, _between(c.platform, filters.platform + "/"))
        yield _Criterion(exists().where(c.repository == _R.id, of), select(c.repository).where(of))


def _order(order: Order, *, sort: bool) -> list[ColumnElement[object]]:
    """`sort`: said in a way that no index has, since a database that sees one walks through it all."""
    first, then = (_R.pulls, _R.stars) if order == "pulls" else (_R.stars, _R.pulls)
    return [(first + 0).desc() if sort else first.desc(), then.desc(), _R.name]


def _said(term: str, place: int) -> _Criterion:
    """That a word is said there, or in a better place."""
    c = postings.c
    word = c.word == term if len(term) < SHORTEST_PART else _between(c.word, term)
    said = (word, c.place.in_(range(place, NAME + 1)))
    return _Criterion(exists().where(c.repository == _R.id, *said), select(c.repository).where(*said))


def _between(column: ColumnElement[str], beginning: str) -> Condition:
    """That a text begins so, as a range, which an index finds."""
    return and_(column >= beginning, column < beginning + _LAST)


_ALIKE = repositories.alias("alike")
_OFFICIAL = _Criterion(_R.is_official, select(_ALIKE.c.id).where(_ALIKE.c.is_official))
