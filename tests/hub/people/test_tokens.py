"""Access tokens and robots: shown once, bounded, revoked."""

from __future__ import annotations

import pytest

from capas.errors import AlreadyExists, Invalid, NotFound
from capas.hub.people import tokens
from capas.hub.people.access import Scope
from capas.hub.people.accounts import set_active
from capas.hub.people.tokens import PERSONAL, ROBOT, NewToken
from capas.hub.records.database import Database
from capas.hub.records.tables.people import tokens as table
from support.people import DAY_NS, KEEPER, NOW_NS, person

IN_BOTH_DATABASES = True

SECRET = "5" * 64
WRITER = (Scope("ana/*", "writer"),)


def make(database: Database, **options: object) -> str:
    return tokens.create_token(database, NewToken("ana", "ci", WRITER, **options), SECRET, KEEPER)  # type: ignore[arg-type]


def test_a_token_stands_for_its_person_within_its_bounds(database: Database) -> None:
    ana = person(database, "ana")
    found = tokens.find_bearer(database, "ana", make(database), NOW_NS)
    assert found is not None
    assert (found.name, found.user, found.scopes) == ("ana", ana.user, WRITER)


def test_the_records_cannot_give_a_token_away(database: Database) -> None:
    person(database, "ana")
    shown = make(database)
    rows = database.read(lambda db: db.execute(table.select()).all())
    assert SECRET in shown
    assert SECRET not in str(rows)


def test_a_robot_logs_in_with_the_name_of_its_owner_and_its_own(database: Database) -> None:
    person(database, "ana")
    shown = make(database, kind=ROBOT)
    found = tokens.find_bearer(database, "ana+ci", shown, NOW_NS)
    assert found is not None
    assert (found.name, found.user) == ("ana+ci", None)
    assert tokens.find_bearer(database, "ana", shown, NOW_NS) is None


@pytest.mark.parametrize("shown", ["", "capas_", "capas_" + "6" * 64, SECRET, "5"])
def test_what_is_no_token_lets_nobody_in(database: Database, shown: str) -> None:
    person(database, "ana")
    make(database)
    assert tokens.find_bearer(database, "ana", shown, NOW_NS) is None


def test_a_token_of_one_does_not_let_in_another(database: Database) -> None:
    person(database, "ana")
    person(database, "eva")
    assert tokens.find_bearer(database, "eva", make(database), NOW_NS) is None


def test_a_token_ends_with_its_days(database: Database) -> None:
    person(database, "ana")
    shown = make(database, days=2)
    assert tokens.find_bearer(database, "ana", shown, NOW_NS + 2 * DAY_NS - 1)
    assert tokens.find_bearer(database, "ana", shown, NOW_NS + 2 * DAY_NS) is None


def test_a_revoked_token_lets_nobody_in(database: Database) -> None:
    person(database, "ana")
    shown = make(database)
    tokens.revoke_token(database, "ana", PERSONAL, "ci", KEEPER)
    assert tokens.find_bearer(database, "ana", shown, NOW_NS) is None
    with pytest.raises(NotFound):
        tokens.revoke_token(database, "ana", PERSONAL, "ci", KEEPER)


@pytest.mark.parametrize("kind", [PERSONAL, ROBOT])
def test_tokens_and_robots_of_a_closed_account_let_nobody_in(database: Database, kind: str) -> None:
    person(database, "ana")
    shown = make(database, kind=kind)
    set_active(database, "ana", False, KEEPER)
    assert tokens.find_bearer(database, "", shown, NOW_NS) is None


def test_it_is_known_when_a_token_was_used(database: Database) -> None:
    person(database, "ana")
    shown = make(database)
    assert tokens.list_tokens(database, "ana", PERSONAL)[0].used_ns == 0
    tokens.find_bearer(database, "ana", shown, NOW_NS)
    assert tokens.list_tokens(database, "ana", PERSONAL)[0].used_ns == NOW_NS


def test_a_name_is_had_once_by_each_kind(database: Database) -> None:
    person(database, "ana")
    make(database)
    tokens.create_token(database, NewToken("ana", "ci", WRITER, kind=ROBOT), "6" * 64, KEEPER)
    with pytest.raises(AlreadyExists):
        tokens.create_token(database, NewToken("ana", "ci", WRITER), "7" * 64, KEEPER)


@pytest.mark.parametrize(
    "scopes",
    [
        (),
        None,
        (Scope("eva/*", "reader"),),
        (Scope("*", "reader"),),
        (Scope("ana*", "reader"),),
        (Scope("ana/*", "owner"),),
    ],
)
def test_a_robot_stays_in_the_namespace_of_its_owner(database: Database, scopes: tuple[Scope, ...] | None) -> None:
    person(database, "ana")
    with pytest.raises(Invalid):
        tokens.create_token(database, NewToken("ana", "ci", scopes, kind=ROBOT), SECRET, KEEPER)


@pytest.mark.parametrize("pattern", ["", "Ana/*", "ana/[ab]", "ana/?", "/ana", "ana/", "x" * 256])
def test_a_pattern_that_no_repository_could_fit_is_refused(database: Database, pattern: str) -> None:
    person(database, "ana")
    with pytest.raises(Invalid):
        tokens.create_token(database, NewToken("ana", "ci", (Scope(pattern, "reader"),)), SECRET, KEEPER)


@pytest.mark.parametrize("days", [0, -1, 3661])
def test_a_token_lasts_for_days_and_not_for_ages(database: Database, days: int) -> None:
    person(database, "ana")
    with pytest.raises(Invalid):
        make(database, days=days)
