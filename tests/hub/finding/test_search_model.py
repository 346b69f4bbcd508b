"""Search against a plain model: every repository looked at, every word compared, sorted as the words say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from capas.hub.app import App, create_app
from capas.hub.finding import search as searching
from capas.hub.finding.query import Filters, Order, Query
from capas.hub.hub import Options
from capas.hub.people.access import Identity
from capas.hub.records.repositories import delete_repository
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import grants, members, namespaces, users
from capas.hub.records.words import DESCRIPTION, NAME, README, split, terms_of
from support.repositories import Repositories

WORDS = ["nginx", "nginxed", "ngin", "go", "gopher", "web", "webapp", "proxy", "base", "datos", "de", "añil", "a"]
OWNERS = ["library", "ana", "acme", "team", "other"]


class Repository(NamedTuple):
    """What the model knows."""

    name: str
    description: str
    readme: str
    is_public: bool
    stars: int
    pulls: int
    granted: bool  # to ana

    @property
    def is_official(self) -> bool:
        return self.name.startswith("library/")


words = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
plain = st.sampled_from([word for word in WORDS if word != "añil"])
repository = st.builds(
    Repository,
    st.tuples(st.sampled_from(OWNERS), st.lists(plain, min_size=1, max_size=3).map("-".join)).map("/".join),
    words, words, st.booleans(), st.integers(0, 3), st.integers(0, 3), st.booleans(),
)  # fmt: skip
hubs = st.lists(repository, max_size=12, unique_by=lambda one: one.name)
texts = st.one_of(
    words, st.sampled_from(WORDS), repository.map(lambda one: one.name), st.sampled_from(["gin", "ÑIL", "eb ro", "!"])
)
orders = st.sampled_from(["relevance", "stars", "pulls"])
filters = st.sampled_from(
    [Filters(), Filters(official=True), Filters(official=False), Filters(mine=True), Filters(least_stars=2)]
)


@pytest.fixture(scope="module", params=["sqlite", "sqlite, as if all were common"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A hub with accounts; the second one takes the way of words that are in very many repositories."""
    patch = pytest.MonkeyPatch()
    if request.param != "sqlite":
        patch.setattr(searching, "_FEW", -1)
        patch.setattr(searching, "_PAGE", 0)
    app = create_app(tmp_path_factory.mktemp("hub"), options=Options(open=False))
    yield app
    app.close()
    patch.undo()


def make(app: App, hub: list[Repository]) -> Identity:
    """Write the hub down; ana is in acme, and has a role of her own in what is granted."""
    database = app.hub.database

    def people(db: Connection) -> int:
        for (number,) in db.execute(repositories.select().with_only_columns(repositories.c.id)).all():
            delete_repository(database, db, number)
        db.execute(namespaces.delete())
        rows = [
            {"name": name, "kind": "organisation" if name == "acme" else "user", "created_ns": 0} for name in OWNERS[1:]
        ]
        db.execute(namespaces.insert(), rows)
        numbers = {row.name: row.id for row in db.execute(namespaces.select())}
        db.execute(users.insert().values(id=numbers["ana"]))
        db.execute(members.insert().values(organisation=numbers["acme"], user=numbers["ana"], role="reader"))
        return int(numbers["ana"])

    ana = database.write(people)
    add = Repositories(database).add
    for one in hub:
        fields = {field: getattr(one, field) for field in ("description", "readme", "is_public", "stars", "pulls")}
        number = add(one.name, **fields)
        if one.granted:
            database.write(
                lambda db, n=number: db.execute(grants.insert().values(repository=n, user=ana, role="reader"))
            )  # type: ignore[misc]
    database.write(lambda db: searching_changed(app, db))
    return Identity("ana", ana)


def searching_changed(app: App, db: Connection) -> None:
    """Rights changed behind their back: who remembers them has to look again."""
    from capas.hub.records.changes import RIGHTS, note_change

    note_change(app.hub.database, db, RIGHTS)


def said(term: str, one: Repository) -> int:
    """The best place that has the word; 0 for none."""
    short = len(term) < 3
    if any(term == word if short else term in word for word in split(one.name)):
        return NAME
    for place, text in ((DESCRIPTION, one.description), (README, one.readme)):
        if any((term == word) if short else word.startswith(term) for word in split(text) if word not in ("de", "a")):
            return place
    return 0


def expected(hub: list[Repository], query: Query, *, ana: bool) -> list[str]:
    terms = terms_of(query.text)
    found = []
    for one in hub:
        mine = ana and (one.name.startswith(("ana/", "acme/")) or one.granted)
        place = min((said(term, one) for term in terms), default=0 if query.text.strip() else NAME)
        typed = query.text.strip().lower()
        rank = [
            terms and one.name in (typed, f"library/{typed}"),
            terms and one.is_official and place == NAME,
            terms and " ".join(split(one.name.rpartition("/")[2])) == " ".join(terms),
        ]
        best = next((5 - at for at, fits in enumerate(rank) if fits), place - 1)
        visible = one.is_public or mine
        passes = (
            query.filters.official in (None, one.is_official)
            and one.stars >= query.filters.least_stars
            and (mine or not query.filters.mine)
        )
        if visible and passes and place:
            found.append((best if query.order == "relevance" and terms else 0, one))
    first, then = ("pulls", "stars") if query.order == "pulls" else ("stars", "pulls")
    found.sort(key=lambda pair: (-pair[0], -getattr(pair[1], first), -getattr(pair[1], then), pair[1].name))
    return [one.name for _, one in found]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hub=hubs, asked=st.lists(st.tuples(texts, orders, st.booleans(), filters), min_size=1, max_size=6))
def test_search_finds_what_a_plain_look_at_all_finds(
    app: App, hub: list[Repository], asked: list[tuple[str, Order, bool, Filters]]
) -> None:
    person = make(app, hub)
    for text, order, ana, chosen in asked:
        query = Query(text, chosen, order, limit=100)
        page = searching.search(app.hub, person if ana else Identity(), query)
        wanted = expected(hub, query, ana=ana)
        assert [one.name for one in page.results] == wanted, query
        assert page.total == len(wanted)
        part = searching.search(app.hub, person if ana else Identity(), query._replace(limit=2, offset=1))
        assert [one.name for one in part.results] == wanted[1:3]


def test_a_private_repository_is_not_even_counted(tmp_path: Path) -> None:
    app = create_app(tmp_path, options=Options(open=False))
    add = Repositories(app.hub.database).add
    add("acme/secret", is_public=False, description="hidden words")
    add("acme/shown")
    for text in ("secret", "hidden", "acme", ""):
        page = searching.search(app.hub, Identity(), Query(text))
        assert all(one.name == "acme/shown" for one in page.results) and page.total == len(page.results)
    app.close()
