"""The limit on guesses at passwords, at every door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from capas.errors import CapasError
from capas.hub.config import Config, ServerConfig
from capas.hub.people.limits import TooMany, begin_attempt, counted_by, end_attempt
from capas.hub.people.tokens import NewToken, create_token
from capas.hub.records.database import Database
from capas.hub.records.place import DatabaseConfig, database_url
from capas.hub.records.tables.people import failures
from support.accounts import Accounts, basic
from support.people import KEEPER, NOW_NS, PASSWORD

SECOND = 1_000_000_000
PROXIED = Config(server=ServerConfig(proxies=("127.0.0.1/32",)))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Accounts]:
    found = Accounts(tmp_path, PROXIED)
    found.person("alice")
    yield found
    found.close()


def wait_of(database: Database, name: str, address: str, now_ns: int) -> int:
    """The seconds that an attempt has to wait; 0, and counted, where it does not."""
    try:
        begin_attempt(database, counted_by(name, address), now_ns)
    except TooMany as error:
        return error.seconds
    return 0


def test_delays_grow_up_to_a_quarter_of_an_hour(database: Database) -> None:
    now, waits = NOW_NS, []
    for number in range(18):
        wait = wait_of(database, "alice", "", now)
        if wait:
            waits.append(wait)
            now += wait * SECOND
            assert wait_of(database, "alice", "", now) == 0
        assert number >= 5 or wait == 0
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == waits[-1] == 900


def test_one_address_is_limited_whatever_names_it_tries(database: Database) -> None:
    waits = [wait_of(database, f"user{number}", "192.0.2.7", NOW_NS) for number in range(22)]
    assert waits == [0] * 20 + [1, 1]
    assert wait_of(database, "user99", "192.0.2.8", NOW_NS) == 0


def test_an_address_of_ipv6_is_its_network(database: Database) -> None:
    for number in range(20):
        assert wait_of(database, f"user{number}", f"2001:db8::{number:x}", NOW_NS) == 0
    assert wait_of(database, "user20", "2001:db8::ffff", NOW_NS) == 1
    assert wait_of(database, "user21", "2001:db8:0:1::1", NOW_NS) == 0


def test_a_right_password_forgets_the_failures_of_the_name_and_its_own_of_the_address(database: Database) -> None:
    for _ in range(4):
        wait_of(database, "alice", "192.0.2.7", NOW_NS)
    end_attempt(database, counted_by("alice", "192.0.2.7"))
    counts = database.read(lambda db: dict(map(tuple, db.execute(select(failures.c.who, failures.c.count)))))
    assert counts == {"address:192.0.2.7": 3}


def test_failures_are_forgotten_after_a_day(database: Database) -> None:
    for _ in range(5):
        wait_of(database, "alice", "", NOW_NS)
    day = NOW_NS + 24 * 3600 * SECOND
    assert [wait_of(database, "alice", "", day) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_the_name_that_was_typed_is_kept_nowhere(database: Database, tmp_path: Path) -> None:
    wait_of(database, "my secret password", "", NOW_NS)
    assert b"my secret" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_many_at_once_gain_nothing(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = str(request.getfixturevalue("postgres_url")) if dialect == "postgresql" else ""
    database = Database(database_url(DatabaseConfig(url=url), tmp_path))
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: wait_of(database, "alice", "", NOW_NS), range(40)))
    database.close()
    assert waits.count(0) == 5


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    for number in range(6):
        database = Database(f"sqlite:///{tmp_path / 'records.sqlite'}")
        assert (wait_of(database, "alice", "", NOW_NS) == 0) == (number < 5)
        database.close()


@pytest.mark.parametrize("login", ["alice", "nobody"])
def test_a_limited_login_gets_429_whether_there_is_such_a_person_or_not(hub: Accounts, login: str) -> None:
    statuses = [hub.ask_token(login, "wrong").status for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    limited = hub.ask_token(login, "wrong")
    assert limited.headers["retry-after"] == "1"
    assert json.loads(limited.data)["errors"] == [
        {
            "code": "TOOMANYREQUESTS",
            "message": "too many failed logins: try again in 1 s",
            "detail": None,
        }
    ]


def test_the_right_password_has_to_wait_too(hub: Accounts) -> None:
    for _ in range(5):
        hub.ask_token("alice", "wrong")
    assert hub.ask_token("alice").status == 429
    hub.wait(1)
    assert hub.ask_token("alice").status == 200
    assert hub.ask_token("alice", "wrong").status == 401


def test_a_password_that_was_just_proved_is_no_way_around(hub: Accounts) -> None:
    assert hub.send("GET", "/v2/", headers=basic("alice")).status == 200
    for _ in range(5):
        hub.send("GET", "/v2/", headers={**basic("alice", "wrong"), "host": "h"})
    assert hub.send("GET", "/v2/", headers=basic("alice")).status == 429


def test_every_door_counts_together(hub: Accounts) -> None:
    head = {"host": "h"}
    hub.ask_token("alice", "wrong")
    hub.post_token(grant_type="password", username="alice", password="wrong")
    hub.send("GET", "/v2/", headers={**basic("alice", "wrong"), **head})
    hub.send("GET", "/api/v1/me", headers={**basic("alice", "wrong"), **head})
    hub.send("GET", "/v2/", headers={**basic("alice", "wrong1"), **head})
    assert hub.send("GET", "/api/v1/me", headers={**basic("alice"), **head}).status == 429


def test_a_token_is_not_guessed_so_it_never_waits(hub: Accounts) -> None:
    secret = create_token(hub.hub.database, NewToken("alice", "ci", None), "1" * 64, KEEPER)
    for _ in range(6):
        hub.ask_token("alice", "wrong")
    assert hub.ask_token("alice", secret).status == 200


def test_requests_at_once_with_one_password_are_one_attempt(hub: Accounts) -> None:
    import asyncio
    from types import SimpleNamespace

    from capas.hub.people.who import identify

    request = SimpleNamespace(scope={"headers": [(b"authorization", basic("alice")["authorization"].encode())]})

    async def ask() -> list[object]:
        moment = await hub.hub.turn()
        return list(await asyncio.gather(*(identify(hub.hub, request, moment) for _ in range(30))))

    assert len(set(hub.run(ask()))) == 1


def test_failures_are_in_the_audit_log_without_the_password(hub: Accounts) -> None:
    from capas.hub.people.audit import list_entries

    hub.ask_token("alice", "very wrong")
    (entry,) = [one for one in list_entries(hub.hub.database) if one.action == "user.login"]
    assert (entry.target, entry.outcome) == ("alice", "refused")
    assert "very wrong" not in str(entry)


def test_no_kind_of_error_says_a_password() -> None:
    assert issubclass(TooMany, CapasError)
    assert PASSWORD not in str(TooMany("too many failed logins: try again in {seconds} s", seconds=3))
