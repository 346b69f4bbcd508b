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
    from capas.engine.explaining import ExplainedFile

_LANGUAGES = ("en", "es")


@click.command(
    cls=Command,
    help="Explain a Dockerfile line by line: what it does, why, what it costs, what can go wrong. "
    "WHAT is a file, a directory with a Dockerfile, or - for the input",
)
@click.argument("what", metavar="[WHAT]", default=".")
@click.option("--lang", "language", type=click.Choice(_LANGUAGES), help="In this language, not that of the locale")
@click.option("--format", default="text", type=click.Choice(["text", "json"]), help="How it is printed")
@pass_app
def explain(app: App, /, *, what: str, language: str | None, format: str) -> None:
    """Each line of a Dockerfile."""
    from capas.cli.explain_document import file_document
    from capas.cli.explain_page import Page
    from capas.cli.paragraphs import find_look

    language = language or app.language
    file = _explain_file(app, what)
    if format == "json":
        click.echo(json.dumps(file_document(file, language), indent=2, ensure_ascii=False))
    else:
        _print(Page(find_look(app.settings.environ), language).file(file))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _explain_file(app: App, what: str) -> ExplainedFile:
    from capas.build.recipe import read_ignore, read_text
    from capas.engine.explaining import explain_file

    if what == "-":
        return explain_file(app.engine, read_text(sys.stdin.buffer, "standard input"), "-")
    path = _find_dockerfile(Path(what))
    if path is None:
        raise NotFound("no Dockerfile at {path}", path=what, hint="name the file: `capas explain FILE`")
    with path.open("rb") as file:
        text = read_text(file, str(path))
    return explain_file(app.engine, text, str(path), ignore=read_ignore(path, path.parent))


def _find_dockerfile(path: Path) -> Path | None:
    """The file of that name, or the one that a build of that directory would read."""
    if path.is_file():
        return path
    names = (path / "Dockerfile", path / "dockerfile")
    return next((file for file in names if file.is_file()), None)
