"""docker's client hears from Capas what it hears from a real dockerd: the transcripts in `wording/` are of one.

`tests/interop/test_wording_docker.py` holds the transcripts to a real dockerd; tests/support/sessions.py writes them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sessions import Place, ours
from support.transcript import Section, read_sections

SECTIONS = [
    pytest.param(section, id=f"{path.stem}: {section.title}")
    for path in sorted(Path(__file__).with_name("wording").glob("*.txt"))
    for section in read_sections(path)
]

pytestmark = [pytest.mark.root, pytest.mark.xdist_group("wording")]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    if shutil.which("docker") is None:
        pytest.skip("docker's client is not on this machine")
    with ours() as found:
        yield found


@pytest.mark.parametrize("section", SECTIONS)
def test_capas_says_what_dockerd_says(section: Section, place: Place) -> None:
    assert str(place.replay(section)) == str(section)
