"""`capas dockerd`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.errors import Invalid, Unsupported

if TYPE_CHECKING:
    from capas.dockerapi.tls import Tls

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_ADDRESS = "Serve on unix://PATH or tcp://HOST:PORT (several times for several addresses)"


@click.command(cls=Command, help="Answer docker's own client: serve the Docker Engine API on a socket")
@click.option("-H", "--host", "hosts", multiple=True, metavar="ADDRESS", help=_ADDRESS)
@click.option("-G", "--group", default="", help="The group that may use unix sockets, besides their owner")
@click.option("--tls", type=bool, is_flag=False, flag_value=True, metavar="[=false]",
              help="TLS on tcp addresses; --tls=false serves whoever reaches them, as docker does")  # fmt: skip
@click.option("--tlsverify", is_flag=True, help="Let in only clients with a certificate of --tlscacert")
@click.option("--tlscacert", type=_FILE, help="The authority of the clients' certificates")
@click.option("--tlscert", type=_FILE, help="The certificate of tcp addresses")
@click.option("--tlskey", type=_FILE, help="Its key")
@pass_app
def dockerd(
    app: App, /, *, hosts: tuple[str, ...], group: str, tls: bool | None, tlsverify: bool, tlscacert: Path | None,
    tlscert: Path | None, tlskey: Path | None,
) -> None:  # fmt: skip
    """Until a signal ends it."""
    try:
        from capas.dockerapi.addresses import Doors
        from capas.dockerapi.serve import serve
    except ImportError:
        raise Unsupported(
            "the docker API needs its extra packages", hint='install them: pip install "capas[docker]"'
        ) from None
    wanted = tls or tlsverify or any((tlscacert, tlscert, tlskey))
    if wanted and tls is False:
        raise Invalid("--tls=false contradicts the other options of TLS")
    doors = Doors(group, _certificates(tlscert, tlskey, tlscacert, tlsverify) if wanted else None, tls is False)
    addresses = hosts or (f"unix://{app.settings.run_root / 'docker.sock'}",)

    def ready(host: str) -> None:
        app.warn("The docker API answers on {host}", host=host)
        if host.startswith("tcp://") and doors.tls is None:
            app.warn("Whoever reaches {host} owns this machine: it has no TLS", host=host)

    serve(app.engine, addresses, doors, ready)


def _certificates(certificate: Path | None, key: Path | None, authority: Path | None, verify: bool) -> Tls:
    from capas.dockerapi.tls import Tls

    if certificate is None or key is None:
        raise Invalid("TLS needs --tlscert and --tlskey")
    if verify and authority is None:
        raise Invalid("--tlsverify needs --tlscacert, the authority of the clients' certificates")
    return Tls(certificate, key, authority)
