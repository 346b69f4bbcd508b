"""`capas network`."""

from __future__ import annotations

from typing import Any

import click

from capas.cli.app import App, pass_app
from capas.cli.batch import each
from capas.cli.documents import print_documents
from capas.cli.lazy import Command
from capas.cli.options import filter_option, format_option
from capas.cli.pairs import parse_pairs
from capas.cli.table import Column, Row, print_rows
from capas.run.endpoint import Endpoint
from capas.run.network_options import NetworkRequest

_COLUMNS = (
    Column("ID", "NETWORK ID"),
    Column("Name", "NAME"),
    Column("Driver", "DRIVER"),
    Column("Scope", "SCOPE"),
    Column("Labels", "LABELS", False),
    Column("CreatedAt", "CREATED AT", False),
)


@click.command(cls=Command, help="Make a network, whose containers know each other by name")
@click.argument("name", metavar="NAME")
@click.option("-d", "--driver", default="bridge", metavar="DRIVER", help="bridge")
@click.option(
    "--subnet", default="", metavar="NETWORK", help="Its addresses, like 10.99.0.0/24; a free part when not given"
)
@click.option("--gateway", default="", metavar="ADDRESS", help="The host's address on it; the first when not given")
@click.option("--ip-range", default="", metavar="NETWORK", help="The part that containers get addresses from")
@click.option("--aux-address", "aux", multiple=True, metavar="NAME=ADDRESS", help="An address that no container gets")
@click.option("--internal", is_flag=True, help="Nothing leads out of it, or in")
@click.option("--attachable", is_flag=True, help="Noted, as docker does; every network can be connected to")
@click.option("--ipv6", is_flag=True, help="Not supported")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Set a label")
@click.option("-o", "--opt", "options", multiple=True, metavar="NAME=VALUE", help="Set an option of the bridge")
@pass_app
def create(app: App, /, *, name: str, **given: Any) -> None:
    """Prints the id."""
    pairs: dict[str, Any] = {
        field: {key: value or "" for key, value in parse_pairs(given.pop(field), flag, bare=True).items()}
        for field, flag in (("labels", "--label"), ("options", "--opt"), ("aux", "--aux-address"))
    }
    click.echo(app.engine.networks.create(name, NetworkRequest(**given, **pairs)).id)


@click.command(cls=Command, help="Connect a container to a network")
@click.argument("network", metavar="NETWORK")
@click.argument("container", metavar="CONTAINER")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="A name it goes by there")
@click.option("--ip", default="", metavar="ADDRESS", help="Its address there")
@click.option("--link", "links", multiple=True, metavar="CONTAINER:NAME", help="Another name for a container there")
@click.option("--gw-priority", default=0, metavar="NUMBER", help="The highest has the default route")
@pass_app
def connect(
    app: App, /, *, network: str, container: str, aliases: tuple[str, ...], ip: str, links: tuple[str, ...],
    gw_priority: int,
) -> None:  # fmt: skip
    """At once where it runs."""
    endpoint = Endpoint(network, aliases, ip, links=links, priority=gw_priority)
    app.engine.networks.connect(network, container, endpoint)


@click.command(cls=Command, help="Take a container from a network")
@click.argument("network", metavar="NETWORK")
@click.argument("container", metavar="CONTAINER")
@click.option("-f", "--force", is_flag=True, help="Also where the network is gone")
@pass_app
def disconnect(app: App, /, *, network: str, container: str, force: bool) -> None:
    """At once where it runs."""
    app.engine.networks.disconnect(network, container, force=force)


@click.command(cls=Command, help="List networks")
@filter_option
@format_option
@click.option("-q", "--quiet", is_flag=True, help="Ids only")
@click.option("--no-trunc", is_flag=True, help="Whole ids")
@pass_app
def ls(app: App, /, *, filters: tuple[str, ...], format: str | None, quiet: bool, no_trunc: bool) -> None:
    """docker's columns."""
    rows = [_row(found, no_trunc) for found in app.engine.networks.list(filters=filters)]
    if quiet:
        for row in rows:
            click.echo(row["ID"])
        return
    print_rows(rows, _COLUMNS, format)


@click.command(cls=Command, help="Show everything about networks, as JSON")
@click.argument("names", nargs=-1, required=True, metavar="NETWORK...")
@format_option
@pass_app
def inspect(app: App, /, *, names: tuple[str, ...], format: str | None) -> int:
    """docker's fields."""
    return print_documents(app, names, app.engine.networks.inspect, format)


@click.command(cls=Command, help="Remove networks")
@click.argument("names", nargs=-1, required=True, metavar="NETWORK...")
@pass_app
def rm(app: App, /, *, names: tuple[str, ...]) -> int:
    """Prints each name once it is gone."""
    return each(app, names, lambda name: click.echo(app.engine.networks.remove(name).name))


@click.command(cls=Command, help="Remove the networks that no container is on")
@click.option("--filter", "filters", multiple=True, metavar="KEY=VALUE", help="Keep only what fits")
@click.option("-f", "--force", is_flag=True, help="Nothing is asked anyway")
@pass_app
def prune(app: App, /, *, filters: tuple[str, ...], force: bool) -> None:
    """Prints their names."""
    for name in app.engine.networks.prune(filters=filters):
        click.echo(name)


def _row(found: dict[str, object], whole: bool) -> Row:
    labels = found["Labels"]
    assert isinstance(labels, dict)
    return {
        "ID": str(found["Id"]) if whole else str(found["Id"])[:12], "Name": found["Name"], "Driver": found["Driver"],
        "Scope": found["Scope"], "Labels": ",".join(f"{key}={value}" for key, value in labels.items()),
        "CreatedAt": found["Created"],
    }  # fmt: skip
