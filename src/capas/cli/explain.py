"""`capas explain`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command

if TYPE_CHECKING:
    from capas.engine.explaining import ExplainedFile
    from capas.look.explaining import ExplainedImage
    from capas.look.terms.explained import ExplainedTerm

_LANGUAGES = ("en", "es")
_FORMATS = ("text", "json", "markdown", "html")


@click.command(
    cls=Command,
    help="Explain a Dockerfile line by line, an image step by step, or a word. WHAT is a file, a directory with a "
    "Dockerfile, - for the input, an image, or a word like layer; without it the words are listed",
)
@click.argument("what", metavar="[WHAT]", default="")
@click.option("--lang", "language", type=click.Choice(_LANGUAGES), help="In this language, not that of the locale")
@click.option("--format", default="text", type=click.Choice(_FORMATS), help="How it is printed")
@pass_app
def explain(app: App, /, *, what: str, language: str | None, format: str) -> None:
    """A file of this name comes first, then a word, then an image."""
    from capas.build.recipe import read_text
    from capas.cli import explain_document, explain_words
    from capas.cli.explain_page import Page
    from capas.cli.paragraphs import find_look

    page = Page(find_look(app.settings.environ), language or app.language)
    look = app.engine.look
    found: ExplainedFile | ExplainedImage | ExplainedTerm | None = None
    if what == "-":
        found = look.explain_file(read_text(sys.stdin.buffer, "standard input"), "-")
    elif what:
        found = look.explain(what, page.language)
    if format == "json":
        click.echo(json.dumps(explain_document.document_of(found, page.language), indent=2, ensure_ascii=False))
    elif format != "text":
        _print(_document(found, format, page.language))
    else:
        _print(explain_words.lines_of(page, found))


def _document(
    found: ExplainedFile | ExplainedImage | ExplainedTerm | None, format: str, language: str
) -> Iterable[str]:
    from capas.cli.explain_formats import write_html, write_markdown
    from capas.cli.explain_parts import parts_of

    parts = parts_of(found, language)
    return write_markdown(parts) if format == "markdown" else write_html(parts, language)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
