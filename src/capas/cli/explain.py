"""`capas explain`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.errors import NotFound

if TYPE_CHECKING:
    from capas.cli.explain_page import Page
    from capas.engine.explaining import ExplainedFile

_LANGUAGES = ("en", "es")
_NAMES = ("Dockerfile", "dockerfile")


@click.command(
    cls=Command,
    help="Explain a Dockerfile line by line, an image step by step, or a word. WHAT is a file, a directory with a "
    "Dockerfile, - for the input, an image, or a word like layer; without it the Dockerfile here, or a list of words",
)
@click.argument("what", metavar="[WHAT]", default="")
@click.option("--lang", "language", type=click.Choice(_LANGUAGES), help="In this language, not that of the locale")
@click.option("--format", default="text", type=click.Choice(["text", "json"]), help="How it is printed")
@click.option("--terms", is_flag=True, help="List the words that can be explained")
@pass_app
def explain(app: App, /, *, what: str, language: str | None, format: str, terms: bool) -> None:
    """A file of this name comes first, then a word, then an image."""
    from capas.cli import explain_document as document
    from capas.cli.explain_page import Page
    from capas.cli.paragraphs import find_look

    language = language or app.language
    page = Page(find_look(app.settings.environ), language)
    path = _find_dockerfile(Path(what or ".")) if what != "-" and not terms else None
    if what == "-" or path is not None:
        file = _explain_file(app, path)
        _show(document.file_document(file, language)) if format == "json" else _print(page.file(file))
    elif terms or not what:
        _list_terms(page, format)
    else:
        _explain_word(app, page, what, format)


def _explain_word(app: App, page: Page, what: str, format: str) -> None:
    from capas.cli import explain_document as document
    from capas.cli.explain_words import image_lines, term_lines
    from capas.look.terms.glossary import find_term, get_term, list_near

    if Path(what).is_dir() and not _is_layout(Path(what)):
        raise NotFound("no Dockerfile at {path}", path=what, hint="name the file: `capas explain FILE`")
    if find_term(what) is not None:
        term = app.engine.look.explain_term(what, page.language)
        _show(document.term_document(term, page.language)) if format == "json" else _print(term_lines(page, term))
        return
    if not set(what) & set(":/@.") and app.engine.images.find(what) is None and list_near(what, page.language):
        get_term(what, page.language)  # a word that is nearly one of ours is meant, not an image of some registry
    image = app.engine.look.explain_image(what)
    _show(document.image_document(image, page.language)) if format == "json" else _print(image_lines(page, image))


def _explain_file(app: App, path: Path | None) -> ExplainedFile:
    from capas.build.recipe import read_ignore, read_text

    if path is None:
        return app.engine.look.explain_file(read_text(sys.stdin.buffer, "standard input"), "-")
    with path.open("rb") as file:
        text = read_text(file, str(path))
    return app.engine.look.explain_file(text, str(path), ignore=read_ignore(path, path.parent))


def _list_terms(page: Page, format: str) -> None:
    from capas.cli.explain_document import terms_document
    from capas.cli.explain_words import list_lines

    _show(terms_document(page.language)) if format == "json" else _print(list_lines(page))


def _find_dockerfile(path: Path) -> Path | None:
    """The file of that name, unless it is an archive; or the one that a build of that directory would read."""
    if path.is_file():
        return None if path.suffix in (".tar", ".tgz", ".gz", ".zst") else path
    return next((path / name for name in _NAMES if (path / name).is_file()), None)


def _is_layout(path: Path) -> bool:
    return (path / "oci-layout").is_file()


def _show(document: object) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
