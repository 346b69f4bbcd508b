"""The chapter of images: whoever follows it sees what stands there, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.chapter import IMAGES, LANGUAGES, File, do, masked, open_chapter, path_of, steps_of
from support.pages import Command, Page

pytestmark = pytest.mark.root


@pytest.fixture(
    scope="module", params=[pytest.param(one, marks=pytest.mark.xdist_group(f"guide-{one}")) for one in LANGUAGES]
)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def page(language: str) -> Iterator[Page]:
    with open_chapter(language) as found:
        yield found


@pytest.mark.parametrize("name", IMAGES)  # in this order: a page goes on where the one before it ended
def test_each_command_of_a_page_prints_what_stands_there(page: Page, language: str, name: str) -> None:
    for step in steps_of(language, name):
        assert masked(do(page, step)) == masked(step)


@pytest.mark.parametrize("name", IMAGES)
def test_both_languages_have_the_same_files_and_commands(name: str) -> None:
    english, spanish = ([_given(step) for step in steps_of(language, name)] for language in LANGUAGES)
    assert spanish == english


def test_the_chapter_has_no_other_pages() -> None:
    assert sorted(path_of("en", "x").parent.glob("*.md")) == sorted(path_of("en", name) for name in IMAGES[1:])


def _given(step: File | Command) -> object:
    return step.lines if isinstance(step, Command) else step
