"""`capas explain`: a Dockerfile line by line, as a person reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.terminal import Terminal

DOCKERFILE = "FROM debian:12\nRUN apt-get update && apt-get install -y curl\nEXPOSE 8080\n"


@pytest.fixture
def capas(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path / "app"


def test_a_directory_is_explained_by_the_dockerfile_that_a_build_would_read(capas: Terminal, context: Path) -> None:
    told = capas.ok("explain", str(context))
    assert "1 │ FROM debian:12\n    Starts from the image `debian:12`" in told
    assert "    · installs the package `curl` with apt-get" in told
    assert "beware: EXPOSE opens nothing to the outside: `capas run -p 8080:8080`" in told


def test_a_risk_is_shown_with_a_caret_and_a_better_way(capas: Terminal, context: Path) -> None:
    told = capas.ok("explain", str(context / "Dockerfile"))
    assert "risk: apt-get installs recommended packages too (DL3015)\n      2 | RUN apt-get update" in told
    assert "better: add --no-install-recommends" in told


def test_standard_input_is_explained(capas: Terminal) -> None:
    assert "Starts from nothing" in capas.ok("explain", "-", stdin=b"FROM scratch\n")


def test_it_speaks_the_language_of_the_locale_or_the_one_asked_for(capas: Terminal, context: Path) -> None:
    assert "Parte de la imagen `debian:12`" in capas.ok("explain", str(context), LANG="es_ES.UTF-8")
    assert "por qué: " in capas.ok("explain", str(context), "--lang", "es")
    assert "Starts from" in capas.ok("explain", str(context), "--lang", "en", LANG="es_ES.UTF-8")


def test_json_has_a_part_for_every_line(capas: Terminal, context: Path) -> None:
    told = json.loads(capas.ok("explain", str(context), "--format", "json"))
    run = told["lines"][1]
    assert (run["line"], run["instruction"], run["cost"]) == (2, "RUN", None)
    assert any("`curl`" in sentence for sentence in run["does"])
    assert "DL3009" in [risk["rule"] for risk in run["risks"]]
    assert run["why"].startswith("All of it in one RUN")
    assert run["better"]


def test_what_is_piped_has_no_colours_and_fits_80_columns(capas: Terminal, context: Path) -> None:
    told = capas.ok("explain", str(context))
    assert "\x1b" not in told
    assert max(map(len, told.splitlines()[1:])) <= 80  # but for the name of the file


def test_control_characters_of_a_dockerfile_do_not_reach_the_terminal(capas: Terminal) -> None:
    hostile = 'FROM a\nLABEL x="\x1b]0;owned\x07\x1b[2J"\nRUN echo \x1b[31m && \u202ecurl\n# \x1b[2J\nCMD \x9b2J\n'
    done = capas.run("explain", "-", stdin=hostile.encode())
    assert done.returncode == 0, done.stderr
    assert [char for char in done.stdout if not char.isprintable() and char != "\n"] == []


def test_a_directory_without_a_dockerfile_is_said_to_have_none(capas: Terminal, tmp_path: Path) -> None:
    assert "no Dockerfile" in capas.fails("explain", str(tmp_path))
