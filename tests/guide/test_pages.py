"""The chapter of images: whoever follows it sees what stands there, in both languages."""

from __future__ import annotations

import pytest

from support.chapter import IMAGES, LANGUAGES, File, do, masked, open_chapter, path_of, steps_of
from support.pages import Command


@pytest.mark.parametrize(
    "language",
    [pytest.param(one, marks=[pytest.mark.root, pytest.mark.xdist_group(f"guide-{one}")]) for one in LANGUAGES],
)
def test_each_command_of_the_chapter_prints_what_stands_there(language: str) -> None:
    with open_chapter(language) as page:
        for name in IMAGES:  # a page goes on where the one before it ended
            for step in steps_of(language, name):
                assert (name, masked(do(page, step))) == (name, masked(step))


@pytest.mark.parametrize("name", IMAGES)
def test_both_languages_have_the_same_files_and_commands(name: str) -> None:
    english, spanish = ([_given(step) for step in steps_of(language, name)] for language in LANGUAGES)
    assert spanish == english


def test_the_chapter_has_no_other_pages() -> None:
    assert sorted(path_of("en", "x").parent.glob("*.md")) == sorted(path_of("en", name) for name in IMAGES[1:])


def _given(step: File | Command) -> object:
    return step.lines if isinstance(step, Command) else step
