"""`capas buildkitd`."""

from __future__ import annotations

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.errors import Unsupported


@click.command(cls=Command, help="Build for docker's buildx: serve BuildKit's control API on a socket")
@click.option("--addr", "addresses", multiple=True, metavar="unix://PATH", help="Serve on this socket; several times")
@pass_app
def buildkitd(app: App, /, *, addresses: tuple[str, ...]) -> None:
    """Until a signal ends it."""
    try:
        from capas.buildkit.serve import serve
    except ImportError:
        raise Unsupported(
            "BuildKit's API needs its extra packages", hint='install them: pip install "capas[docker]"'
        ) from None
    where = addresses or (f"unix://{app.settings.run_root / 'buildkitd.sock'}",)
    serve(app.engine, where, ready=lambda address: app.warn("BuildKit's API answers on {address}", address=address))
