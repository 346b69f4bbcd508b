"""Who may do what: `authorise`, and the same as a condition of a query."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import select

from capas.hub.people import accounts, tokens
from capas.hub.people.access import Action, Identity, Scope
from capas.hub.people.rights import Rights
from capas.hub.people.tokens import ROBOT
from capas.hub.records.changes import RIGHTS, note_change
from capas.hub.records.database import Database
from capas.hub.records.tables.images import repositories
from capas.hub.records.tables.people import grants, members, namespaces, team_members, teams
from capas.oci.digest import Digest
from support.claims import hold
from support.people import DAY_NS, KEEPER, NOW_NS, bearer, person, repository

IN_BOTH_DATABASES = True

ACTIONS: tuple[Action, ...] = ("pull", "push", "delete", "manage")
NOBODY = Identity()


class Clock:
    """A clock in the hands of the test."""

    now_ns = NOW_NS

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rights(database: Database, clock: Clock) -> Rights:
    return Rights(database, clock)


def may(rights: Rights, identity: Identity, name: str) -> list[Action]:
    return [action for action in ACTIONS if rights.authorise(identity, name, action)]


def change(database: Database, *statements: object) -> None:
    """Change the records by hand, as a write of rights."""

    def work(db):  # type: ignore[no-untyped-def]
        for statement in statements:
            db.execute(statement)
        note_change(database, db, RIGHTS)

    database.write(work)


def test_a_private_repository_is_its_owners_alone(database: Database, rights: Rights) -> None:
    ana, eva = person(database, "ana"), person(database, "eva")
    repository(database, "ana/app", ana)
    assert may(rights, ana, "ana/app") == list(ACTIONS)
    assert may(rights, eva, "ana/app") == []
    assert may(rights, NOBODY, "ana/app") == []


def test_a_public_repository_is_pulled_by_anybody(database: Database, rights: Rights) -> None:
    ana, eva = person(database, "ana"), person(database, "eva")
    repository(database, "ana/app", ana, is_public=True)
    assert may(rights, eva, "ana/app") == ["pull"]
    assert may(rights, NOBODY, "ana/app") == ["pull"]


def test_a_repository_may_be_made_under_ones_own_name_alone(database: Database, rights: Rights) -> None:
    ana = person(database, "ana")
    person(database, "eva")
    assert "push" in may(rights, ana, "ana/new")
    assert "push" in may(rights, ana, "ana/new/deep")
    for name in ("eva/new", "nowhere/new", "library/new", "ana", "new"):
        assert may(rights, ana, name) == []
    assert may(rights, NOBODY, "ana/new") == []


def test_an_administrator_owns_everything_and_alone_makes_what_is_official(database: Database, rights: Rights) -> None:
    root, ana = person(database, "boss", is_admin=True), person(database, "ana")
    repository(database, "ana/app", ana)
    assert may(rights, root, "ana/app") == list(ACTIONS)
    assert may(rights, root, "library/nginx") == list(ACTIONS)
    assert "push" not in may(rights, root, "nowhere/app")
    accounts.set_admin(database, person(database, "two", is_admin=True).name, True, KEEPER)
    accounts.set_admin(database, "boss", False, KEEPER)
    assert may(rights, root, "library/nginx") == []


@pytest.mark.parametrize(
    ("role", "expected"),
    [("reader", ACTIONS[:1]), ("writer", ACTIONS[:2]), ("maintainer", ACTIONS[:3]), ("owner", ACTIONS)],
)
@pytest.mark.parametrize("way", ["organisation", "grant", "team"])
def test_each_role_may_what_the_ones_below_may_and_a_little_more(
    database: Database, rights: Rights, role: str, expected: tuple[Action, ...], way: str
) -> None:
    ana = person(database, "ana")
    change(database, namespaces.insert().values(id=100, name="acme", kind="organisation", created_ns=0))
    acme = Identity("acme", 100)
    number = repository(database, "acme/app", acme)
    repository(database, "acme/other", acme)
    assert may(rights, ana, "acme/app") == []
    if way == "organisation":
        change(database, members.insert().values(organisation=100, user=ana.user, role=role))
    elif way == "grant":
        change(database, grants.insert().values(repository=number, user=ana.user, role=role))
    else:
        change(
            database,
            teams.insert().values(id=7, organisation=100, name="devs"),
            team_members.insert().values(team=7, user=ana.user),
            grants.insert().values(repository=number, team=7, role=role),
        )
    assert may(rights, ana, "acme/app") == list(expected)
    assert may(rights, ana, "acme/other") == (list(expected) if way == "organisation" else [])
    assert ("push" in may(rights, ana, "acme/new")) == (way == "organisation" and "push" in expected)


def test_of_several_roles_the_highest_counts(database: Database, rights: Rights) -> None:
    ana = person(database, "ana")
    number = repository(database, "eva/app", person(database, "eva"))
    change(
        database,
        teams.insert().values(id=7, organisation=number, name="devs"),
        team_members.insert().values(team=7, user=ana.user),
        grants.insert().values(repository=number, team=7, role="maintainer"),
        grants.insert().values(repository=number, user=ana.user, role="reader"),
    )
    assert rights.role_of(ana, "eva/app") == "maintainer"


def test_a_token_may_no_more_than_its_bounds_and_no_more_than_its_person(database: Database, rights: Rights) -> None:
    ana = person(database, "ana")
    repository(database, "ana/app", ana)
    repository(database, "eva/app", person(database, "eva"))
    found = bearer(database, "ana", "ci", ("ana/ap*", "writer"), ("eva/*", "owner"))
    assert may(rights, found, "ana/app") == ["pull", "push"]
    assert may(rights, found, "ana/other") == []
    assert may(rights, found, "eva/app") == []
    assert rights.role_in(found, "ana") is None
    assert rights.role_in(ana, "ana") == "owner"


def test_a_robot_works_in_the_namespace_of_its_owner(database: Database, rights: Rights) -> None:
    ana = person(database, "ana")
    repository(database, "ana/app", ana)
    found = bearer(database, "ana", "ci", ("ana/*", "writer"), kind=ROBOT)
    assert may(rights, found, "ana/app") == ["pull", "push"]
    assert "push" in may(rights, found, "ana/new")
    assert may(rights, found, "eva/app") == []
    assert rights.role_in(found, "ana") is None


def test_a_bounded_token_of_an_administrator_administers_nothing(database: Database, rights: Rights) -> None:
    boss = person(database, "boss", is_admin=True)
    assert rights.is_admin(boss)
    assert rights.is_admin(bearer(database, "boss", "all"))
    assert not rights.is_admin(bearer(database, "boss", "ci", ("*", "owner")))


def test_what_is_taken_away_is_gone_at_once(database: Database, rights: Rights, clock: Clock) -> None:
    ana = person(database, "ana")
    repository(database, "ana/app", ana)
    found, lasting = bearer(database, "ana", "ci"), bearer(database, "ana", "days", days=1)
    assert may(rights, found, "ana/app") == may(rights, lasting, "ana/app") == list(ACTIONS)
    tokens.revoke_token(database, "ana", "personal", "ci", KEEPER)
    assert may(rights, found, "ana/app") == []
    clock.now_ns += DAY_NS
    assert may(rights, lasting, "ana/app") == []
    accounts.set_active(database, "ana", False, KEEPER)
    assert may(rights, ana, "ana/app") == []


def test_an_identity_cannot_say_of_itself_what_the_records_do_not(database: Database, rights: Rights) -> None:
    eva = person(database, "eva")
    repository(database, "ana/app", person(database, "ana"))
    assert may(rights, eva._replace(is_admin=True), "ana/app") == []
    assert may(rights, Identity("ana", None, True), "ana/app") == []
    assert may(rights, Identity("ana", 999, True), "ana/app") == []


CLOSE = """
import sys
from capas.hub.people import accounts, audit
from capas.hub.records.database import Database
accounts.set_active(Database(sys.argv[1]), "ana", False, audit.By("", "", 0))
"""


def test_what_another_process_takes_away_is_gone_at_once(database: Database, rights: Rights, database_url: str) -> None:
    ana = person(database, "ana")
    assert "push" in may(rights, ana, "ana/app")
    subprocess.run([sys.executable, "-c", CLOSE, database_url], check=True)
    assert may(rights, ana, "ana/app") == []


def test_the_first_push_makes_a_private_repository_or_an_official_one(database: Database, rights: Rights) -> None:
    ana = person(database, "ana")
    assert may(rights, NOBODY, "library/nginx") == []
    for name in ("ana/app", "library/nginx"):
        hold(database, name, Digest.of(b"x"), NOW_NS)
    rows = {row.name: row for row in database.read(lambda db: db.execute(repositories.select()).all())}
    app, nginx = rows["ana/app"], rows["library/nginx"]
    assert (app.namespace, app.is_public, app.is_official) == (ana.user, False, False)
    assert (nginx.namespace, nginx.is_public, nginx.is_official) == (None, True, True)
    assert may(rights, NOBODY, "library/nginx") == ["pull"]


def test_the_condition_of_a_query_finds_what_may_be_pulled(database: Database, rights: Rights) -> None:
    ana, eva, boss = person(database, "ana"), person(database, "eva"), person(database, "boss", is_admin=True)
    numbers = {}
    for owner in (ana, eva):
        for name in ("app", "a_b", "axb"):
            numbers[f"{owner.name}/{name}"] = repository(database, f"{owner.name}/{name}", owner)
        repository(database, f"{owner.name}/open", owner, is_public=True)
    change(
        database,
        teams.insert().values(id=7, organisation=eva.user, name="devs"),
        team_members.insert().values(team=7, user=ana.user),
        grants.insert().values(repository=numbers["eva/a_b"], team=7, role="reader"),
        grants.insert().values(repository=numbers["eva/app"], user=ana.user, role="reader"),
    )
    askers = [
        NOBODY, ana, eva, boss,
        bearer(database, "ana", "underscore", ("*/a_b", "reader")),
        bearer(database, "eva", "ci", ("eva/a*", "reader"), kind=ROBOT),
        bearer(database, "boss", "some", ("ana/a*", "reader"), ("eva/ap*", "writer")),
        ana._replace(scopes=(Scope("ana/app", "reader"),)),
    ]  # fmt: skip
    for asker in askers:
        wanted = select(repositories.c.name).where(rights.readable(asker))
        found = set(database.read(lambda db, wanted=wanted: db.execute(wanted).scalars().all()))  # type: ignore[misc]
        every = {*numbers, "ana/open", "eva/open"}
        assert found == {name for name in every if rights.authorise(asker, name, "pull")}, asker
