"""The guide: it builds without a warning, and both languages have the same pages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SITE = TOP / "docs" / "site"
PAGES = sorted(str(path.relative_to(SITE / "en")) for path in (SITE / "en").rglob("*.md"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("guide")
    done = subprocess.run(
        [sys.executable, TOP / "tools" / "guide.py", target], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return target


def test_the_guide_builds_in_both_languages_without_a_warning(built: Path) -> None:
    assert "no daemon" in (built / "index.html").read_text()
    assert "sin ningún demonio" in (built / "es" / "index.html").read_text()


def test_every_command_of_the_terminal_is_in_the_reference(built: Path) -> None:
    for page in (
        built / "reference" / "commands" / "index.html",
        built / "es" / "reference" / "commands" / "index.html",
    ):
        text = page.read_text()
        for name in ("capas image draw", "capas container run", "capas hub serve", "capas network connect"):
            assert f">{name}<" in text


def test_the_drawings_are_made_by_capas(built: Path) -> None:
    assert "COPY debian-rootfs/" in (built / "es" / "pictures" / "shared.svg").read_text()


def test_a_page_asks_nobody_else_for_anything(built: Path) -> None:
    for page in built.rglob("*.html"):
        asked = re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(https?://[^"]+)"', page.read_text())
        assert asked == []


def test_both_languages_have_the_same_pages() -> None:
    assert sorted(str(path.relative_to(SITE / "es")) for path in (SITE / "es").rglob("*.md")) == PAGES
