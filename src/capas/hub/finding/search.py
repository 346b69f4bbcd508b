"""Search: the repositories that have all the words of a query, of those that the asker may know of.

By relevance the name comes first: the very repository that was named, official ones, those whose last part was named,
any other whose name has all the words; then those whose description has them, then the READMEs; the more stars the
earlier. A later group is not looked at where earlier ones fill the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, literal, not_, or_, select

from capas.hub.finding.query import COUNTED, DEEPEST, MOST, Filters, Found, Order, Page, Query
from capas.hub.hub import Hub
from capas.hub.people.access import Identity
from capas.hub.records.tables.finding import postings, stars
from capas.hub.records.tables.images import manifests, repositories
from capas.hub.records.words import DESCRIPTION, NAME, README, SHORTEST_PART, terms_of

_R = repositories.c
_LAST = "\U0010ffff"  # after every word with the same beginning
_FEW = 5000  # repositories that are quicker sorted than met in the order of an index

Condition = ColumnElement[bool]


def search(hub: Hub, identity: Identity, query: Query) -> Page:
    """The page of results that the query asks for."""
    allowed = [hub.rights.readable(identity), *_conditions(hub, identity, query.filters)]
    return hub.database.read(lambda db: _Search(db, allowed, query).page(identity))


class _Search:
    """One search on a connection. `allowed`: what every result fulfils, beside the words."""

    def __init__(self, db: Connection, allowed: Sequence[Condition], query: Query) -> None:
        self._db = db
        self._allowed = allowed
        self._query = query
        self._terms = terms_of(query.text)

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
        for conditions, order in self._groups():
            if len(found) >= wanted:
                break
            group = select(_R.id).where(*self._allowed, *conditions).order_by(*order)
            found += self._db.execute(group.limit(wanted - len(found))).scalars()
        return found

    def _groups(self) -> Iterator[tuple[list[Condition], list[ColumnElement[object]]]]:
        """What belongs to each group of results, and its order; made when it is asked for."""
        if self._query.order != "relevance" or not self._terms:
            yield self._having(README), _order(self._query.order)
            return
        for place in (NAME, DESCRIPTION, README):
            better = [] if place == NAME else [not_(and_(*(_has(term, place + 1) for term in self._terms)))]
            first = [self._rank()] if place == NAME else []
            yield [*self._having(place), *better], [*first, *_order("stars")]

    def _having(self, place: int) -> list[Condition]:
        """That a repository has all the words, there or in a better place.

        The rarest word gives the candidates; where even that one is common, the best of all repositories are looked at
        in their order until the page is full.
        """
        if not self._terms:
            return []
        counts = {term: self._holders(term, place) for term in self._terms}
        rarest = min(self._terms, key=lambda term: counts[term])
        if counts[rarest] >= _FEW and not (place == NAME and self._query.order == "relevance"):
            return [_has(term, place) for term in self._terms]
        holders = select(postings.c.repository).where(_word(rarest), _at(place))
        return [_R.id.in_(holders), *(_has(term, place) for term in self._terms if term != rarest)]

    def _holders(self, term: str, place: int) -> int:
        some = select(literal(1)).select_from(postings).where(_word(term), _at(place)).limit(_FEW)
        return self._db.execute(select(func.count()).select_from(some.subquery())).scalar_one()

    def _rank(self) -> ColumnElement[object]:
        typed = self._query.text.strip().lower()
        return case(
            (_R.name.in_([typed, f"library/{typed}"]), 0),
            (_R.is_official, 1),
            (_R.short == " ".join(self._terms), 2),
            else_=3,
        )

    def _count(self) -> int:
        some = select(_R.id).where(*self._allowed, *self._having(README)).limit(COUNTED + 1)
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
    if filters.official is not None:
        yield _R.is_official == filters.official
    if filters.starred:
        yield _R.id.in_(select(stars.c.repository).where(stars.c.user == identity.user))
    if filters.mine:
        yield hub.rights.held(identity)
    if filters.visibility:
        yield _R.is_public == (filters.visibility == "public")
    if filters.platform:
        variants = manifests.c.platform.startswith(filters.platform + "/", autoescape=True)
        of = or_(manifests.c.platform == filters.platform, variants)
        yield exists().where(manifests.c.repository == _R.id, of)
    if filters.updated_since_ns:
        yield _R.updated_ns >= filters.updated_since_ns
    if filters.least_stars:
        yield _R.stars >= filters.least_stars
    if filters.namespace:
        yield _R.name.startswith(filters.namespace + "/", autoescape=True)


def _order(order: Order) -> list[ColumnElement[object]]:
    first, then = (_R.pulls, _R.stars) if order == "pulls" else (_R.stars, _R.pulls)
    return [first.desc(), then.desc(), _R.name]


def _has(term: str, place: int) -> Condition:
    return exists().where(postings.c.repository == _R.id, _word(term), _at(place))


def _word(term: str) -> Condition:
    word = postings.c.word
    return word == term if len(term) < SHORTEST_PART else and_(word >= term, word < term + _LAST)


def _at(place: int) -> Condition:
    return postings.c.place.in_(range(place, NAME + 1))
