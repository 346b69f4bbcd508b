"""`capas hub user` and `capas hub token`: a hub's people, from its machine, without a browser."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from capas.hub.people.accounts import log_in
from capas.hub.people.tokens import find_bearer
from capas.hub.records.database import Database
from support.people import NOW_NS
from support.pty import Person
from support.terminal import PROGRAM, Terminal

PASSWORD = b"correct horse battery"


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    (tmp_path / "store" / "hub").mkdir(parents=True)
    return Terminal(tmp_path)


@pytest.fixture
def database(capas: Terminal) -> Database:
    return Database(f"sqlite:///{capas.root / 'store/hub/records.sqlite'}")


def test_an_account_made_on_the_machine_lets_in(capas: Terminal, database: Database) -> None:
    assert capas.ok("hub", "user", "create", "ana", "--admin", "--password-stdin", stdin=PASSWORD + b"\n") == "ana\n"
    user = log_in(database, "ana", PASSWORD.decode())
    assert user is not None
    assert user.is_admin
    assert capas.ok("hub", "user", "ls", "--format", "{{.Name}} {{.Admin}} {{.Active}}") == "ana true true\n"


def test_a_password_is_asked_for_twice_and_not_shown(capas: Terminal, database: Database) -> None:
    environ = {"PATH": os.environ["PATH"], "CAPAS_ROOT": str(capas.root / "store"), "HOME": str(capas.root)}
    with Person([str(PROGRAM), "hub", "user", "create", "ana"], environ) as person:
        person.read_until("Password: ")
        person.type(PASSWORD.decode() + "\r")
        person.read_until("Once more: ")
        person.type(PASSWORD.decode() + "\r")
        person.read_until("ana")
        assert person.wait() == 0
        assert PASSWORD.decode() not in person.seen
    assert log_in(database, "ana", PASSWORD.decode())


def test_without_a_password_nothing_is_made(capas: Terminal) -> None:
    said = capas.fails("hub", "user", "create", "ana")
    assert "--password-stdin" in said
    assert "at least 10" in capas.fails("hub", "user", "create", "ana", "--password-stdin", stdin=b"short\n")
    assert capas.ok("hub", "user", "ls", "--format", "{{.Name}}") == ""


def test_there_is_no_way_to_give_a_password_on_the_command_line(capas: Terminal) -> None:
    for flag in ("--password", "-p"):
        assert capas.run("hub", "user", "create", "ana", flag, PASSWORD.decode()).returncode == 125


def test_accounts_are_closed_opened_promoted_and_deleted(capas: Terminal, database: Database) -> None:
    for name in ("ana", "eva"):
        capas.ok("hub", "user", "create", name, "--admin", "--password-stdin", stdin=PASSWORD)
    capas.ok("hub", "user", "disable", "eva")
    assert log_in(database, "eva", PASSWORD.decode()) is None
    assert "without an administrator" in capas.fails("hub", "user", "demote", "ana")
    capas.ok("hub", "user", "enable", "eva")
    capas.ok("hub", "user", "demote", "ana")
    capas.ok("hub", "user", "password", "ana", "--password-stdin", stdin=b"another one that is long")
    assert log_in(database, "ana", "another one that is long")
    assert "--force" in capas.fails("hub", "user", "rm", "ana")
    capas.ok("hub", "user", "rm", "--force", "ana")
    assert capas.ok("hub", "user", "ls", "--format", "{{.Name}}") == "eva\n"
    assert "no such user: ana" in capas.fails("hub", "user", "password", "ana", "--password-stdin", stdin=PASSWORD)


def test_a_token_is_printed_once_and_works_until_it_is_revoked(capas: Terminal, database: Database) -> None:
    capas.ok("hub", "user", "create", "ana", "--password-stdin", stdin=PASSWORD)
    done = capas.run("hub", "token", "create", "ana", "ci", "--scope", "ana/*:writer", "--days", "30")
    token = done.stdout.strip()
    assert token.startswith("capas_")
    assert token not in done.stderr
    now_ns = NOW_NS + 10**18
    assert find_bearer(database, "ana", token, 0)
    assert find_bearer(database, "ana", token, now_ns) is None
    shown = capas.ok("hub", "token", "ls", "ana")
    assert "ana/*:writer" in shown
    assert token not in shown
    capas.ok("hub", "token", "rm", "ana", "ci")
    assert find_bearer(database, "ana", token, 0) is None


def test_a_robot_is_made_for_repositories_of_its_owner(capas: Terminal, database: Database) -> None:
    capas.ok("hub", "user", "create", "ana", "--password-stdin", stdin=PASSWORD)
    token = capas.ok("hub", "token", "create", "ana", "ci", "--robot", "--scope", "ana/*:writer").strip()
    found = find_bearer(database, "ana+ci", token, 0)
    assert found is not None
    assert found.name == "ana+ci"
    assert "cannot use *" in capas.fails("hub", "token", "create", "ana", "no", "--robot", "--scope", "*:writer")
    assert "roles are" in capas.fails("hub", "token", "create", "ana", "no", "--scope", "ana/*:emperor")
    assert "called nobody" in capas.fails("hub", "token", "create", "nobody", "ci")


def test_where_no_hub_is_none_is_made(tmp_path: Path) -> None:
    assert "there is no hub" in Terminal(tmp_path).fails("hub", "user", "ls")
    assert not (tmp_path / "store").exists()


def test_the_records_are_read_by_their_owner_alone(capas: Terminal, database: Database) -> None:
    capas.ok("hub", "user", "create", "ana", "--password-stdin", stdin=PASSWORD)
    mode = stat.S_IMODE((capas.root / "store/hub/records.sqlite").stat().st_mode)
    assert mode & 0o077 == 0, oct(mode)
