"""What a notebook shows of differences and builds: hostile names stay text, for a browser and for MathJax."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from capas.build.request import BuildRequest
from capas.engine.engine import Engine
from capas.engine.shown_build import ShownBuild
from capas.look.difference import ImageDiff
from capas.oci.config import Execution
from support.changesets import file
from support.looking import make_engine, put_image

EVIL = "<img src=x onerror=alert(1)></code><script>$\\href{javascript:alert(1)}{x}$</script>\x1b[2J\u202e&amp;\"' "
HARMLESS = {
    "div", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "details", "summary", "svg", "title", "style", "g",
    "rect", "text", "path", "line", "tspan",
}  # fmt: skip


class Shown(HTMLParser):
    """What a browser makes of it: elements, attributes and the text between."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.typeset = 0  # pieces of text that MathJax would read
        self._open = [(True, "")]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        classes = (dict(attrs).get("class") or "").split()
        self._open.append((self._open[-1][0] and not {"tex2jax_ignore", "mathjax_ignore"} <= {*classes}, tag))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[1] == tag

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"
        self.typeset += self._open[-1][0]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(tmp_path)


@pytest.fixture
def hostile(engine: Engine) -> ImageDiff:
    put_image(engine, "old", [file("a", b"1")])
    execution = Execution(env=("PATH=/bin", f"X={EVIL}"), labels={EVIL: EVIL})
    put_image(engine, "new", [file(EVIL.replace("/", "∕"), b"2")], steps=[f"RUN {EVIL}"], execution=execution)
    return engine.look.diff("old", "new")


def test_hostile_words_of_an_image_stay_text_in_a_notebook(hostile: ImageDiff) -> None:
    shown = Shown(hostile._repr_html_())
    assert shown.tags <= HARMLESS and shown.attributes <= {"class", "style"}
    assert "<img src=x onerror=alert(1)>" in shown.text and "\\x1b[2J\\u202e&amp;" in shown.text


def test_nothing_that_a_terminal_or_reader_would_obey_is_left(hostile: ImageDiff) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", hostile._repr_html_())


def test_mathjax_reads_nothing_of_an_image(hostile: ImageDiff) -> None:
    assert Shown(hostile._repr_html_()).typeset == 0


def test_a_name_that_is_no_utf8_can_be_sent_to_a_browser(engine: Engine) -> None:
    put_image(engine, "old", [file("a", b"1")])
    put_image(engine, "new", [file(b"caf\xe9".decode("utf-8", "surrogateescape"), b"1")])
    assert b"/caf\\xe9" in engine.look.diff("old", "new")._repr_html_().encode()


def test_a_difference_shows_both_images_and_every_kind_of_change(engine: Engine) -> None:
    put_image(engine, "old", [file("same", b"1"), file("app", b"one"), file("gone", b"12345")])
    put_image(engine, "new", [file("same", b"1"), file("app", b"three"), file("new", b"1" * 2000)], steps=["RUN make"])
    found = engine.look.diff("old", "new")
    text = Shown(found._repr_html_()).text
    assert found.old.image_id.short in text and found.new.image_id.short in text
    assert "Files: 1 added, 1 removed, 1 changed (+2kB). Layers in both: 0." in text
    assert re.search(r"~\n/app\n3B → 5B\ncontent\n", text) and "+\n/new\n2kB\n" in text and "RUN make" in text


def test_two_equal_images_differ_in_nothing(engine: Engine) -> None:
    put_image(engine, "one", [file("a", b"1")])
    shown = Shown(engine.look.diff("one", "one")._repr_html_())
    assert "No file, package, setting or step differs." in shown.text and "details" not in shown.tags


def test_of_many_files_the_largest_changes_are_shown(engine: Engine) -> None:
    put_image(engine, "old", [file("a", b"1")])
    put_image(engine, "new", [file(f"f{number}", b"1" * (number + 10)) for number in range(80)])
    text = Shown(engine.look.diff("old", "new")._repr_html_()).text
    assert "Files (50 of 81)" in text and "/f79\n" in text and "/f1\n" not in text


def test_a_finished_build_shows_its_steps_its_doubts_and_its_layers(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text(
        'from scratch\nCOPY Dockerfile /\nLABEL a="</svg><script>"\nCMD x\n'
    )
    built = engine.images.build(BuildRequest(context=str(tmp_path / "context")), tags=["app"])
    assert isinstance(built, ShownBuild)
    shown = Shown(built._repr_html_())
    assert "app:latest: steps: 1, from the cache: 0" in shown.text and "JSONArgsRecommended" in shown.text
    assert "svg" in shown.tags and shown.tags <= HARMLESS and shown.typeset == 0
