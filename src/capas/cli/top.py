"""`capas top`: what runs in a container."""

from __future__ import annotations

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.run import SETTINGS
from capas.cli.table import print_plain


@click.command(cls=Command, context_settings=SETTINGS, help="Show what runs in a container")
@click.argument("container")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[PS OPTIONS]")
@pass_app
def top(app: App, /, *, container: str, options: tuple[str, ...]) -> None:
    """The columns of `ps -ef`, or of other options."""
    titles, rows = app.engine.containers.top(container, " ".join(options))
    print_plain([titles, *rows])
