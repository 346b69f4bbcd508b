"""The pages that stand by themselves (how to, how Capas works): whoever follows one sees what stands there."""

from __future__ import annotations

import pytest

from support.chapter import ALONE, LANGUAGES, File, do, masked, open_chapter, steps_of
from support.pages import Command


@pytest.mark.root
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in ALONE if any(isinstance(x, Command) for x in steps_of("en", name))])
def test_each_command_of_a_page_prints_what_stands_there(name: str, language: str) -> None:
    with open_chapter(language) as page:
        for step in steps_of(language, name):
            assert masked(do(page, step)) == masked(step)


@pytest.mark.parametrize("name", ALONE)
def test_both_languages_have_the_same_files_and_commands(name: str) -> None:
    english, spanish = ([_given(step) for step in steps_of(language, name)] for language in LANGUAGES)
    assert spanish == english


def _given(step: File | Command) -> object:
    return step.lines if isinstance(step, Command) else step
