"""The table of the Dockerfile language: every line has its test, and the document says what the tests say."""

from __future__ import annotations

from support.covers import DOCUMENT, list_missing, list_shown, list_unknown, write_document
from support.features import ABSENT

RUN_IT = "`.venv/bin/python tests/support/covers.py` writes docs/dockerfile.md"


def test_every_marker_names_a_line_of_the_language() -> None:
    assert list_unknown(list_shown()) == [], "tests/support/features.py has the lines"


def test_every_line_of_the_language_is_shown_by_a_test() -> None:
    assert list_missing(list_shown()) == []


def test_nothing_is_called_absent_that_a_test_shows() -> None:
    assert {(one.instruction, one.feature) for one in list_shown()} & ABSENT.keys() == set()


def test_the_document_is_what_the_tests_say() -> None:
    assert DOCUMENT.read_text() == write_document(list_shown()), RUN_IT
