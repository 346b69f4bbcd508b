"""docs/docker-tutorial.md happens as it is written: docker's own client, `capas dockerd` and a hub with accounts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.pages import Page, commands_of, masked, open_page

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH, SPANISH = DOCS / "docker-tutorial.md", DOCS / "docker-tutorial.es.md"

pytestmark = [pytest.mark.root, pytest.mark.xdist_group("tutorial")]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if shutil.which("docker") is None or shutil.which("curl") is None:
        pytest.skip("docker's client and curl are not on this machine")
    with open_page() as found:
        yield found


def test_each_command_of_the_tutorial_prints_what_stands_there(page: Page) -> None:
    for command in commands_of(ENGLISH.read_text()):
        assert masked(page.run(command)) == masked(command)


def test_the_tutorial_in_spanish_has_the_same_commands_with_the_same_output() -> None:
    assert commands_of(SPANISH.read_text()) == commands_of(ENGLISH.read_text())
