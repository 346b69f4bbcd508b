"""The catalogue: every text that people read is in it, with the same facts, and nothing else is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support import words
from support.terminal import Terminal

SPANISH: dict[str, str] = json.loads(words.CATALOGUE.read_text("utf-8"))


@pytest.mark.parametrize(
    "texts",
    [
        words.list_help,
        words.list_spoken,
        words.list_counts,
        words.list_headings,
        words.list_events,
        words.list_pages,
        words.list_errors,
        words.list_findings,
        words.list_meanings,
        words.list_facts,
    ],
)
def test_every_text_is_in_the_catalogue(texts: object) -> None:
    assert callable(texts)
    assert sorted(texts() - SPANISH.keys()) == [], (
        "`PYTHONPATH=src python tests/support/words.py` lists what is missing"
    )


def test_nothing_is_in_the_catalogue_that_no_source_says() -> None:
    assert sorted(SPANISH.keys() - words.list_all()) == []


def test_translations_have_the_facts_of_their_originals() -> None:
    def facts(text: str) -> set[str]:
        return set(re.findall(r"\{[^{}]*\}", text))

    assert [english for english, spanish in SPANISH.items() if facts(english) != facts(spanish)] == []


def test_translations_keep_flags_and_what_stands_in_backticks() -> None:
    def kept(text: str) -> set[str]:
        return set(re.findall(r"`[^`]*`|(?<![\w-])--?[a-z][a-z-]*", text))

    assert [english for english, spanish in SPANISH.items() if kept(english) != kept(spanish)] == []


def test_the_catalogue_is_sorted_and_written_one_way() -> None:
    assert words.CATALOGUE.read_text("utf-8") == words.write_catalogue(SPANISH)


def test_spanish_is_spoken_where_the_locale_is_spanish(tmp_path: Path) -> None:
    capas = Terminal(tmp_path, {"LANG": "es_ES.UTF-8"})
    shown = capas.ok("--help")
    assert "Uso: capas" in shown
    assert "Opciones:" in shown
    assert "Órdenes:" in shown
    assert "no existe esa imagen: nope" in capas.fails("rmi", "nope")
    assert "Falta el argumento" in capas.fails("rmi", code=125)
    assert "No existe la opción '--nope'" in capas.fails("images", "--nope", code=125)
