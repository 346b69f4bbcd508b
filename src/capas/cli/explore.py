"""`capas image explore`."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import platform_option
from capas.errors import Invalid, Unsupported
from capas.oci.platform import Platform


@click.command(cls=Command, help="Look through an image's layers and files on a terminal, with keys and mouse")
@click.argument("image")
@platform_option
@pass_app
def explore(app: App, /, *, image: str, platform: Platform | None) -> None:
    """Nothing is pulled or unpacked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Invalid(
            "explore needs a terminal",
            hint="elsewhere: `capas image ls-files`, `capas image diff`, `capas image waste`",
        )
    try:
        from capas.look.explorer.app import Explorer
    except ImportError:
        raise Unsupported("explore needs one more package", hint='install it: pip install "capas[explore]"') from None
    with ExitStack() as opened:
        with app.progress("") as report:
            tree = app.engine.look.opened_tree(image, platform, report=report)
            found, files = opened.enter_context(tree)
        Explorer(image, found, files, app.words).run()
