"""The marker `covers`: which test shows which feature of the Dockerfile language, and the table made of it.

`@pytest.mark.covers("COPY", "--link")` says that a test shows it; several markers may stand on one test. Run as a
program (`.venv/bin/python tests/support/covers.py`) it writes `docs/dockerfile.md` and tells what no test shows yet.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))
from support.features import ABSENT, FEATURES, REFUSED  # noqa: E402

DOCUMENT = TESTS.parent / "docs" / "dockerfile.md"
HEAD = """# What a Dockerfile can say

Every instruction and flag of the Dockerfile reference, whether Capas does it, and a test that shows it. The table is
made of the tests (`@pytest.mark.covers`, see `tests/support/covers.py`), and a house test holds the two together.
"""


class Shown(NamedTuple):
    """A feature, and a test that shows it."""

    instruction: str
    feature: str
    test: str  # path under the repository, "::", name


def list_shown() -> list[Shown]:
    """Every `covers` marker of the suite, in the order of files and lines."""
    return [shown for path in sorted(TESTS.rglob("test_*.py")) for shown in _shown_in(path)]


def list_unknown(shown: list[Shown]) -> list[Shown]:
    """Markers that name nothing in `features.py`."""
    return [one for one in shown if one.feature not in FEATURES.get(one.instruction, ())]


def list_missing(shown: list[Shown]) -> list[str]:
    """Features that no test shows, though they are not said to be absent."""
    known = {(one.instruction, one.feature) for one in shown} | ABSENT.keys()
    return [f"{instruction}: {feature}" for instruction, features in FEATURES.items() for feature in features
            if (instruction, feature) not in known]  # fmt: skip


def write_document(shown: list[Shown]) -> str:
    """The text of `docs/dockerfile.md`."""
    first: dict[tuple[str, str], str] = {}
    for one in shown:
        first.setdefault((one.instruction, one.feature), one.test)
    parts = [HEAD]
    for instruction, features in FEATURES.items():
        rows = [_row(instruction, feature, first.get((instruction, feature), "")) for feature in features]
        parts.append("\n".join([f"## {instruction}\n", "| what | status | shown by |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _row(instruction: str, feature: str, test: str) -> str:
    what = (instruction, feature)
    status = f"no: {ABSENT[what]}" if what in ABSENT else "refused, with a reason" if what in REFUSED else "yes"
    path, _, name = test.rpartition("::")
    link = f"[{name.removeprefix('test_').replace('_', ' ')}](../{path.partition('::')[0]})" if test else ""
    return f"| `{feature.replace('|', chr(92) + '|')}` | {status} | {link} |"


def _shown_in(path: Path) -> Iterator[Shown]:
    text = path.read_text()
    if "covers(" not in text:
        return
    place = str(path.relative_to(TESTS.parent))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for mark in (inner for part in node.decorator_list for inner in ast.walk(part)):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.covers":
                    yield Shown(*ast.literal_eval(ast.Tuple(mark.args)), f"{place}::{node.name}")


if __name__ == "__main__":
    found = list_shown()
    DOCUMENT.write_text(write_document(found))
    told = [f"unknown: {one}" for one in list_unknown(found)] + [f"no test: {each}" for each in list_missing(found)]
    sys.stdout.write("".join(f"{line}\n" for line in told))
