"""`capas inspect`: containers first, then images, as docker looks them up."""

from __future__ import annotations

from collections.abc import Mapping

import click

from capas.cli.app import App, pass_app
from capas.cli.documents import print_documents
from capas.cli.lazy import Command


@click.command(cls=Command, help="Show everything about images or containers, as JSON")
@click.argument("names", nargs=-1, required=True)
@click.option("-f", "--format", metavar="TEMPLATE", help="Print by a Go template, or 'json'")
@click.option("--type", "kind", type=click.Choice(["image", "container"]), help="Look for this kind only")
@pass_app
def inspect(app: App, /, *, names: tuple[str, ...], format: str | None, kind: str | None) -> int:
    """docker's fields."""

    def get(name: str) -> Mapping[str, object]:
        if kind == "container" or (kind is None and app.engine.has_container(name)):
            return app.engine.containers.inspect(name)
        return app.engine.images.inspect(name)

    return print_documents(app, names, get, format)
