"""`capas hub serve`."""

from __future__ import annotations

from pathlib import Path

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command


@click.command(
    cls=Command, help="Serve a registry from a directory: docker, podman, skopeo and Capas push to it and pull from it"
)
@click.option("--root", type=click.Path(path_type=Path), metavar="DIR", help="Where it keeps its images")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Listen on this address")
@click.option(
    "-p", "--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="Listen on this port"
)
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Serve with this many processes"
)
@click.option("--no-delete", is_flag=True, help="Refuse to delete anything")
@pass_app
def serve(app: App, /, *, root: Path | None, host: str, port: int, workers: int, no_delete: bool) -> None:
    """Until a signal ends it."""
    from capas.hub.hub import Options
    from capas.hub.serve import serve as serve_hub

    place = root or app.settings.root / "hub"

    def ready(address: str) -> None:
        app.warn("The hub answers on http://{address} and keeps its images in {root}", address=address, root=place)

    serve_hub(place, host=host, port=port, workers=workers, options=Options(delete=not no_delete), ready=ready)
