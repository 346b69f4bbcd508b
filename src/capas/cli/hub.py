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
@click.option("--open", is_flag=True, help="No accounts: whoever reaches it may do everything")
@pass_app
def serve(
    app: App,
    /,
    *,
    root: Path | None,
    config: Path | None,
    no_delete: bool,
    open: bool,
    log_format: str | None,
    **flags: Any,
) -> None:
    """Until a signal ends it."""
    import msgspec

    from capas.hub.config import read_config
    from capas.hub.hub import Options
    from capas.hub.serve import serve as serve_hub
    from capas.registry.trust import is_loopback

    place = root or app.settings.root / "hub"
    chosen = read_config(place, config, app.settings.environ)
    server = msgspec.structs.replace(chosen.server, **{key: value for key, value in flags.items() if value is not None})

    def ready(address: str, link: str) -> None:
        app.warn(
            "The hub answers on http://{address} and keeps its images in {root}",
            address=address,
            root=chosen.storage.url or place,
        )
        if link:
            known = server.public_url.rstrip("/") or _near(address)
            app.warn("It has no administrator yet. This link makes one, once: {link}", link=known + link)

    if open and not is_loopback(server.host):
        app.warn("Whoever reaches {host} may do everything with this hub", host=server.host)
    if log_format is not None:
        chosen = msgspec.structs.replace(chosen, watch=msgspec.structs.replace(chosen.watch, log=log_format))
    options = Options(
        open=open,
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


def _near(address: str) -> str:
    """Where a browser finds the hub: an address of all networks is none to go to."""
    from socket import gethostname

    host, _, port = address.rpartition(":")
    return f"http://{gethostname() if host in ('0.0.0.0', '[::]') else host}:{port}"
