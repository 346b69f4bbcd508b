"""A pull by a mistyped name: the hub that does not have it says where names like it are found, and the client asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.app import App, create_app
from capas.hub.hub import Options
from support.hub import running_hub
from support.people import PASSWORD, person, repository
from support.repositories import Repositories
from support.terminal import Terminal


@pytest.fixture
def app(tmp_path: Path) -> App:
    return create_app(tmp_path / "hub", options=Options(open=False))


@pytest.fixture
def address(app: App, tmp_path: Path) -> Iterator[str]:
    add = Repositories(app.hub.database).add
    add("library/busybox", is_public=True, is_official=True)
    alice = person(app.hub.database, "alice", password=PASSWORD)
    repository(app.hub.database, "alice/ledger", alice)
    add("alice/ledger")
    with running_hub(tmp_path / "hub", app=app) as found:
        yield found


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_the_name_that_was_meant_is_told(capas: Terminal, address: str) -> None:
    said = capas.fails("pull", f"{address}/library/busibox", LANG="C")
    assert f"did you mean {address}/library/busybox?" in said


def test_a_mirror_of_docker_io_says_what_was_meant_as_it_would_be_typed(capas: Terminal, address: str) -> None:
    said = capas.fails("pull", "busibox", LANG="C", CAPAS_MIRRORS=f"docker.io=http://{address}")
    assert "did you mean busybox?" in said


def test_a_private_name_is_told_to_those_who_may_see_it_alone(capas: Terminal, address: str) -> None:
    mistyped = f"{address}/alice/legder"
    assert "did you mean" not in capas.fails("pull", mistyped, LANG="C")
    capas.ok("login", address, "-u", "alice", "--password-stdin", stdin=PASSWORD.encode())
    assert f"did you mean {address}/alice/ledger?" in capas.fails("pull", mistyped, LANG="C")


def test_a_name_like_none_has_no_suggestion(capas: Terminal, address: str) -> None:
    assert "did you mean" not in capas.fails("pull", f"{address}/library/zzzzzz", LANG="C")
