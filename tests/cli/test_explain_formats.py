"""`capas explain --format markdown|html`: what can stand in documents, whatever files and images say."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from support.changesets import file
from support.looking import make_engine, put_image
from support.terminal import Terminal

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</code></pre><b>",
    "[a](javascript:alert(1)) ![a](http://evil.example/x.png)",
    "`` ` ``` </code> <b>",
    "``` \n<b>bold</b>\n```",
    "& &lt; &#60;b&#62;",
    "\x1b[31m\u202etxt",
    "http://evil.example/ ~~x~~ | a | $x$",
]
TAGS = {"article", "h1", "h2", "pre", "code", "ul", "li", "strong", "p"}


class Seen(HTMLParser):
    """The tags of a document, their attributes, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(capas: Terminal, format: str, *words: str) -> Seen:
    """What a reader of a page sees, with a Markdown renderer that lets HTML through and makes links of addresses."""
    told = capas.ok("explain", "--format", format, *words)
    assert told.replace("\n", "").isprintable()
    return Seen(told if format == "html" else MarkdownIt("commonmark").enable("table").render(told))


@pytest.fixture(scope="module")
def capas(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """An image whose history and labels are hostile."""
    root = tmp_path_factory.mktemp("formats")
    steps = [f"RUN /bin/sh -c echo '{text}' # buildkit" for text in HOSTILE]
    steps += [f"LABEL x={text}" for text in HOSTILE] + HOSTILE
    put_image(make_engine(root), "app", *([file(f"f{n}", b"x")] for n in range(len(steps))), steps=steps)
    return Terminal(root)


@pytest.mark.parametrize("format", ["markdown", "html"])
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_dockerfile_becomes_more_than_text(
    capas: Terminal, tmp_path: Path, format: str, text: str
) -> None:
    line = " ".join(text.split())
    (tmp_path / "Dockerfile").write_text(
        f"FROM scratch\n# {line}\nLABEL x='{line}'\nRUN echo '{line}' > '/{line}'\n"
        f'COPY ["a", "/{line}"]\nWRONG {line}\n'
    )
    seen = rendered(capas, format, str(tmp_path))
    assert seen.tags <= TAGS
    assert seen.attributes <= {"class", "lang"}
    if line.isprintable():
        assert line in " ".join(seen.text.split())


@pytest.mark.parametrize("format", ["markdown", "html"])
def test_nothing_in_an_image_becomes_more_than_text(capas: Terminal, format: str) -> None:
    seen = rendered(capas, format, "app")
    assert seen.tags <= TAGS
    assert seen.attributes <= {"class", "lang"}
    assert "<script>alert(1)</script>" in seen.text


def test_markdown_has_the_lines_and_what_is_said_of_them(capas: Terminal, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:12\nEXPOSE 80\n")
    told = capas.ok("explain", "--format", "markdown", str(tmp_path))
    assert told.startswith("# `")
    assert "\n```dockerfile\nFROM debian:12\n```\n\n- Starts from the image `debian:12`" in told
    assert "\n- **beware**: EXPOSE opens nothing" in told


def test_html_is_a_fragment_in_the_language_asked_for(capas: Terminal) -> None:
    told = capas.ok("explain", "--format", "html", "--lang", "es", "layer")
    assert told.startswith('<article class="capas-explain" lang="es">\n<h1>capa</h1>')
    assert told.rstrip().endswith("</article>")


def test_the_list_of_words_is_a_document_too(capas: Terminal) -> None:
    seen = rendered(capas, "markdown")
    assert "h2" in seen.tags
    assert "whiteout" in seen.text
