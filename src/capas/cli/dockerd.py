"""`capas dockerd`."""

from __future__ import annotations

from pathlib import Path

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.errors import Invalid, Unsupported

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(cls=Command, help="Answer docker's own client: serve the Docker Engine API on a socket")
@click.option("-H", "--host", "hosts", multiple=True, metavar="ADDRESS", help="Serve on unix://PATH or tcp://HOST:PORT")
@click.option("--tlscert", type=_FILE, help="The certificate of a tcp address")
@click.option("--tlskey", type=_FILE, help="Its key")
@click.option("--tlscacert", type=_FILE, help="Let in only clients with a certificate of this authority")
@pass_app
def dockerd(
    app: App, /, *, hosts: tuple[str, ...], tlscert: Path | None, tlskey: Path | None, tlscacert: Path | None
) -> None:
    """Until a signal ends it."""
    try:
        from capas.dockerapi.serve import Tls, serve
    except ImportError:
        raise Unsupported(
            "the docker API needs its extra packages", hint='install them: pip install "capas[docker]"'
        ) from None
    if (tlscert is None) != (tlskey is None):
        raise Invalid("--tlscert and --tlskey go together")
    tls = Tls(tlscert, tlskey, tlscacert) if tlscert and tlskey else None
    addresses = hosts or (f"unix://{app.settings.run_root / 'docker.sock'}",)
    serve(app.engine, addresses, tls=tls, ready=lambda host: app.warn("The docker API answers on {host}", host=host))
