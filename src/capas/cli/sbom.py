"""`capas image sbom`."""

from __future__ import annotations

import json

import click

from capas.cli.app import App, pass_app
from capas.cli.archive import writable
from capas.cli.lazy import Command


@click.command(cls=Command, help="Print the packages in an image, as an SBOM")
@click.argument("image")
@click.option(
    "--format", default="spdx", type=click.Choice(["spdx", "cyclonedx"]), help="SPDX 2.3 or CycloneDX 1.6, as JSON"
)
@click.option("-o", "--output", metavar="FILE", help="Write to this file, not to standard output")
@pass_app
def sbom(app: App, /, *, image: str, format: str, output: str | None) -> None:
    """One JSON document."""
    text = json.dumps(app.engine.images.sbom(image, format=format), indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    with writable(output) as out:
        out.write(f"{text}\n".encode())
