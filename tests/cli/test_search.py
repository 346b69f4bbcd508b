"""`capas search` as a person types it, against a hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.app import create_app
from support.hub import running_hub
from support.repositories import Repositories
from support.terminal import Terminal

LONG = "Un proxy\x1b[31m rápido con una descripción que no cabe entera en su columna"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("hub")
    app = create_app(root)
    add = Repositories(app.hub.database).add
    add("library/nginx", description="Official build of Nginx.", stars=7, pulls=12000)
    add("acme/nginx-proxy", description=LONG, stars=9)
    with running_hub(root, app=app) as found:
        yield found


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_the_columns_are_docker_s_and_pulls(capas: Terminal, address: str) -> None:
    heading, official, other = capas.ok("search", f"{address}/nginx").splitlines()
    assert heading.split() == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL", "PULLS"]
    assert official.split() == [f"{address}/library/nginx", "Official", "build", "of", "Nginx.", "7", "[OK]", "12000"]
    assert "…   9" in other and "\x1b" not in other


def test_nothing_is_shortened_on_demand(capas: Terminal, address: str) -> None:
    assert "que no cabe entera en su columna" in capas.ok("search", "--no-trunc", f"{address}/nginx")


def test_filters_orders_limits_and_formats(capas: Terminal, address: str) -> None:
    def names(*words: str) -> list[str]:
        printed = capas.ok("search", "--format", "{{.Name}}", *words, f"{address}/nginx")
        return [line.removeprefix(f"{address}/") for line in printed.splitlines()]

    assert names("--order", "stars") == ["acme/nginx-proxy", "library/nginx"]
    assert names("--order", "pulls") == ["library/nginx", "acme/nginx-proxy"]
    assert names("--filter", "is-official=true") == ["library/nginx"]
    assert names("-f", "is-official=false") == names("-f", "stars=8") == ["acme/nginx-proxy"]
    assert names("-f", "is-automated=true") == []
    assert names("--limit", "1") == ["library/nginx"]
    row = json.loads(capas.ok("search", "--format", "json", "--limit", "1", f"{address}/nginx"))
    assert (row["IsOfficial"], row["StarCount"], row["PullCount"]) == ("true", "7", "12000")


def test_what_may_have_been_meant_is_said_beside(capas: Terminal, address: str) -> None:
    done = capas.run("search", f"{address}/ngnix", LANG="es_ES.UTF-8")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1
    assert (
        f"¿Quería decir {address}/library/nginx?" in done.stderr
        or f"¿Querías decir {address}/library/nginx?" in done.stderr
    )


@pytest.mark.parametrize(
    "words", [["-f", "stars=x"], ["-f", "is-official=perhaps"], ["-f", "nonsense"], ["-f", "age=1"]]
)
def test_a_filter_that_is_none_is_refused(capas: Terminal, address: str, words: list[str]) -> None:
    assert "not a search filter" in capas.fails("search", *words, f"{address}/nginx", LANG="C")


def test_a_registry_that_is_not_there_is_told(capas: Terminal) -> None:
    assert "localhost:1" in capas.fails("search", "localhost:1/nginx")


def test_a_mirror_of_docker_io_answers_for_it(capas: Terminal, address: str) -> None:
    printed = capas.ok("search", "nginx", "--format", "{{.Name}}", CAPAS_MIRRORS=f"docker.io=http://{address}")
    assert printed.splitlines() == ["nginx", "acme/nginx-proxy"]
