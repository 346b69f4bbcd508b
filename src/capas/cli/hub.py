"""`capas hub serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command


@click.command(
    cls=Command, help="Serve a registry from a directory: docker, podman, skopeo and Capas push to it and pull from it"
)
@click.option("--root", type=click.Path(path_type=Path), metavar="DIR", help="Where it keeps its images")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read its configuration from this file, not from hub.toml in its directory",
)
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), help="Log as text, or as JSON with a line for every request"
)
@click.option("--host", metavar="ADDRESS", show_default="127.0.0.1", help="Listen on this address")
@click.option("-p", "--port", show_default="5000", type=click.IntRange(0, 65535), help="Listen on this port")
@click.option("--workers", show_default="1", type=click.IntRange(1, 64), help="Serve with this many processes")
@click.option("--no-delete", is_flag=True, help="Refuse to delete anything")
@pass_app
def serve(
    app: App, /, *, root: Path | None, config: Path | None, no_delete: bool, log_format: str | None, **flags: Any
) -> None:
    """Until a signal ends it."""
    import msgspec

    from capas.hub.config import read_config
    from capas.hub.hub import Options
    from capas.hub.serve import serve as serve_hub

    place = root or app.settings.root / "hub"
    chosen = read_config(place, config, app.settings.environ)
    server = msgspec.structs.replace(chosen.server, **{key: value for key, value in flags.items() if value is not None})

    def ready(address: str) -> None:
        app.warn(
            "The hub answers on http://{address} and keeps its images in {root}",
            address=address,
            root=chosen.storage.url or place,
        )

    if log_format is not None:
        chosen = msgspec.structs.replace(chosen, watch=msgspec.structs.replace(chosen.watch, log=log_format))
    options = Options(
        delete=server.delete and not no_delete,
        grace_seconds=chosen.collect.grace_seconds,
        stale_seconds=chosen.collect.stale_seconds,
        audit_days=chosen.collect.audit_days,
    )
    serve_hub(
        place,
        host=server.host,
        port=server.port,
        workers=server.workers,
        options=options,
        config=chosen,
        ready=ready,
    )
