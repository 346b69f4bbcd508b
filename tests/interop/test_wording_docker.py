"""The transcripts in `tests/dockerapi/wording` are what a real dockerd says. Needs the lab: `tools/lab.py make`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sessions import Place, find_missing, theirs
from support.transcript import Section, read_sections

WORDING = Path(__file__).parents[1] / "dockerapi" / "wording"
SECTIONS = [
    pytest.param(section, id=f"{path.stem}: {section.title}")
    for path in sorted(WORDING.glob("*.txt"))
    for section in read_sections(path)
]

pytestmark = [
    pytest.mark.root,
    pytest.mark.xdist_group("wording-docker"),
    pytest.mark.skipif(bool(find_missing()), reason=find_missing()),
]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with theirs() as found:
        yield found


@pytest.mark.parametrize("section", SECTIONS)
def test_dockerd_says_it(section: Section, place: Place) -> None:
    assert str(place.replay(section).lasting) == str(section.lasting)
