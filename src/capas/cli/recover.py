"""`capas image dockerfile`."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import platform_option, progress_option
from capas.oci.platform import Platform

if TYPE_CHECKING:
    from capas.dockerfile.meaning.sentence import Sentence
    from capas.look.recovery import Line, Sure


@click.command(cls=Command, help="Recover a Dockerfile from an image: each line says how sure it is")
@click.argument("image")
@click.option("--format", type=click.Choice(["text", "json"]), default="text", help="Print a Dockerfile, or JSON")
@platform_option
@progress_option
@pass_app
def dockerfile(app: App, /, *, image: str, format: str, platform: Platform | None, progress: str) -> None:
    """Lines that are known by the same have one comment."""
    from capas.dockerfile.meaning.sentence import write

    with app.progress(progress) as report:
        lines = app.engine.look.recover(image, platform=platform, report=report)
    if format == "json":
        for line in lines:
            click.echo(json.dumps({"Line": line.text, "Sure": line.sure, "Why": write(line.why, app.language)}))
        return
    for (sure, why), alike in groupby(lines, key=_known_by):
        click.echo(_shown(f"# {_say(app, sure)}: {write(why, app.language)}"))
        for line in alike:
            click.echo(_shown(line.text))


def _known_by(line: Line) -> tuple[Sure, Sentence]:
    return line.sure, line.why


def _say(app: App, sure: Sure) -> str:
    if sure == "certain":
        return app.words("certain")
    return app.words("likely") if sure == "likely" else app.words("a guess")


def _shown(text: str) -> str:
    """A line that may have more lines in it (heredocs) and tabs, and nothing that commands a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
