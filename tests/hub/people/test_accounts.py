"""Accounts: made, let in by password, changed, closed."""

from __future__ import annotations

import statistics
import time

import pytest
from argon2 import PasswordHasher

from capas.errors import AlreadyExists, Conflict, Invalid, NotFound
from capas.hub.people import accounts
from capas.hub.people.accounts import NewUser
from capas.hub.people.audit import list_entries
from capas.hub.people.closing import delete_user
from capas.hub.people.namespaces import USER, set_profile
from capas.hub.people.passwords import NOBODY, is_old
from capas.hub.records.database import Database
from capas.hub.records.tables.people import users
from support.people import KEEPER, PASSWORD, password_of, person

IN_BOTH_DATABASES = True


def test_a_person_comes_in_with_the_password_and_with_no_other(database: Database) -> None:
    person(database, "ana", password=PASSWORD)
    found = accounts.log_in(database, "ana", PASSWORD)
    assert found is not None
    assert found.name == "ana"
    assert accounts.log_in(database, "ana", PASSWORD + "!") is None
    assert accounts.log_in(database, "eva", PASSWORD) is None


def test_a_password_is_the_same_however_a_keyboard_writes_its_accents(database: Database) -> None:
    person(database, "ana", password="contrase\u00f1a l\u00e1rga")
    assert accounts.log_in(database, "ana", "contrasen\u0303a la\u0301rga")


def test_no_password_lets_in_somebody_who_has_none(database: Database) -> None:
    person(database, "ana")
    for guess in ("", "None", NOBODY):
        assert accounts.log_in(database, "ana", guess) is None


def test_the_number_of_somebody_who_is_gone_is_given_to_nobody(database: Database) -> None:
    gone = person(database, "ana").user
    delete_user(database, "ana", KEEPER)
    assert person(database, "eva").user != gone


def test_passwords_are_kept_as_argon2id_and_never_as_they_are(database: Database) -> None:
    kept = password_of(database, person(database, "ana", password=PASSWORD))
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


def test_what_stands_for_nobody_costs_what_a_password_costs() -> None:
    assert not is_old(NOBODY)


def test_an_unknown_name_takes_as_long_as_a_wrong_password(database: Database) -> None:
    person(database, "ana", password=PASSWORD)

    def seconds(name: str) -> float:
        began = time.perf_counter()
        accounts.log_in(database, name, "a wrong password")
        return time.perf_counter() - began

    pairs = [(seconds("ana"), seconds("nobody-here")) for _ in range(15)]
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2


def test_a_password_kept_at_another_cost_is_kept_anew_when_it_is_used(database: Database) -> None:
    ana = person(database, "ana", password=PASSWORD)
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    database.write(lambda db: db.execute(users.update().values(password=cheap)))
    assert accounts.log_in(database, "ana", "wrong password") is None
    assert password_of(database, ana) == cheap
    assert accounts.log_in(database, "ana", PASSWORD)
    assert not is_old(password_of(database, ana))
    assert accounts.log_in(database, "ana", PASSWORD)


@pytest.mark.parametrize("password", ["", "short", "a" * 30, "ana", "x" * 1025, "isabel-garcia"])
def test_a_password_that_is_easy_to_guess_is_refused(database: Database, password: str) -> None:
    with pytest.raises(Invalid):
        accounts.create_user(database, NewUser("isabel-garcia", password), KEEPER)
    assert accounts.list_users(database) == []


@pytest.mark.parametrize("name", ["library", "api", "v2", "A", "Ana", "a", "../x", "a/b", "a+b", "a--b", "", "x" * 65])
def test_a_name_that_the_hub_needs_or_no_repository_could_have_is_refused(database: Database, name: str) -> None:
    with pytest.raises(Invalid):
        accounts.create_user(database, NewUser(name), KEEPER)


def test_a_name_is_had_once(database: Database) -> None:
    person(database, "ana")
    with pytest.raises(AlreadyExists):
        person(database, "ana")


def test_another_password_takes_the_place_of_the_first(database: Database) -> None:
    person(database, "ana", password=PASSWORD)
    accounts.set_password(database, "ana", "another one that is long", KEEPER)
    assert accounts.log_in(database, "ana", PASSWORD) is None
    assert accounts.log_in(database, "ana", "another one that is long")


def test_a_closed_account_lets_nobody_in(database: Database) -> None:
    person(database, "ana", password=PASSWORD)
    accounts.set_active(database, "ana", False, KEEPER)
    assert accounts.log_in(database, "ana", PASSWORD) is None
    accounts.set_active(database, "ana", True, KEEPER)
    assert accounts.log_in(database, "ana", PASSWORD)


def test_the_last_administrator_stays_one(database: Database) -> None:
    person(database, "ana", is_admin=True)
    person(database, "eva", is_admin=True)
    accounts.set_active(database, "eva", False, KEEPER)
    with pytest.raises(Conflict):
        accounts.set_admin(database, "ana", False, KEEPER)
    with pytest.raises(Conflict):
        accounts.set_active(database, "ana", False, KEEPER)
    accounts.set_active(database, "eva", True, KEEPER)
    accounts.set_admin(database, "ana", False, KEEPER)
    assert [user.name for user in accounts.list_users(database) if user.is_admin] == ["eva"]


def test_who_is_not_there_cannot_be_changed(database: Database) -> None:
    with pytest.raises(NotFound):
        accounts.set_password(database, "ana", PASSWORD, KEEPER)


def test_users_are_listed_in_order_in_pages_and_found_by_words(database: Database) -> None:
    for name in ("eva", "ana", "leo"):
        person(database, name)
    set_profile(database, "leo", USER, {"display_name": "Leonor Díaz"}, KEEPER)
    accounts.set_email(database, "leo", "leo@example.org", KEEPER)
    assert [user.name for user in accounts.list_users(database, words="leo@ex")] == ["leo"]
    assert [user.name for user in accounts.list_users(database, limit=2)] == ["ana", "eva"]
    assert [user.name for user in accounts.list_users(database, after="eva")] == ["leo"]
    assert [user.name for user in accounts.list_users(database, words="leonor")] == ["leo"]
    assert accounts.list_users(database, words="%") == []


def test_every_change_is_in_the_log_and_no_password_is(database: Database) -> None:
    person(database, "ana", password=PASSWORD, is_admin=True)
    accounts.set_password(database, "ana", "another one that is long", KEEPER)
    entries = list_entries(database)
    assert [entry.action for entry in entries] == ["user.password", "user.create"]
    assert {(entry.actor, entry.address, entry.target) for entry in entries} == {("keeper", "192.0.2.1", "ana")}
    assert "another" not in str(entries)
