"""Images of library/, built from Debian's packages and asked whether they serve; `make library` does all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import library as tool

pytestmark = [pytest.mark.root, pytest.mark.peer("mmdebstrap"), pytest.mark.xdist_group("library")]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tool.Library:
    made = tool.Library(tmp_path_factory.mktemp("library") / "root", tool.HERE / ".make" / "cache")
    made.make_base()
    return made


# the quick ones; each takes one apt-get install
@pytest.mark.parametrize("name", ["nginx", "redis"])
def test_a_service_of_the_library_is_built_and_answers(library: tool.Library, name: str) -> None:
    library.build(name)
    tool.CHECKS[name](library)


def test_every_image_of_the_library_has_a_check() -> None:
    folders = {path.parent.name for path in (tool.HERE / "library").glob("*/Dockerfile")}
    assert folders == set(tool.CHECKS)
