"""The chapter of images: whoever follows it sees what stands there, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.chapter import IMAGES, is_spanish, masked, open_chapter, pairs_of, path_of, run_pair
from support.pages import Page

pytestmark = [pytest.mark.root, pytest.mark.xdist_group("guide")]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_chapter() as found:
        yield found


@pytest.mark.parametrize("name", IMAGES)  # in this order: a page goes on where the one before it ended
def test_each_command_of_a_page_prints_what_stands_there(page: Page, name: str) -> None:
    for pair in pairs_of(name):
        done = run_pair(page, *pair)
        assert [masked(step) for step in done] == [masked(step) for step in pair]


@pytest.mark.parametrize("name", IMAGES)
def test_both_languages_have_the_same_files_and_commands(name: str) -> None:
    assert [english for english, spanish in pairs_of(name) if spanish != english and not is_spanish(spanish)] == []


def test_the_chapter_has_no_other_pages() -> None:
    assert sorted(path_of("en", "x").parent.glob("*.md")) == sorted(path_of("en", name) for name in IMAGES[1:])
