"""`capas network`."""

from __future__ import annotations

import click

from capas.cli.app import App, pass_app
from capas.cli.batch import each
from capas.cli.documents import print_documents
from capas.cli.lazy import Command
from capas.cli.options import filter_option, format_option
from capas.cli.pairs import parse_pairs
from capas.cli.table import Column, Row, print_rows

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
@click.option(
    "--subnet", default="", metavar="NETWORK", help="Its addresses, like 10.99.0.0/24; a free part when not given"
)
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Set a label")
@pass_app
def create(app: App, /, *, name: str, subnet: str, labels: tuple[str, ...]) -> None:
    """Prints the id."""
    found = {key: value or "" for key, value in parse_pairs(labels, "--label", bare=True).items()}
    click.echo(app.engine.networks.create(name, subnet=subnet, labels=found).id)


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


@click.command(cls=Command, help="Remove the networks that no container has")
@pass_app
def prune(app: App, /) -> None:
    """Prints their names."""
    for name in app.engine.networks.prune():
        click.echo(name)


def _row(found: dict[str, object], whole: bool) -> Row:
    labels = found["Labels"]
    assert isinstance(labels, dict)
    return {
        "ID": str(found["Id"]) if whole else str(found["Id"])[:12], "Name": found["Name"], "Driver": found["Driver"],
        "Scope": found["Scope"], "Labels": ",".join(f"{key}={value}" for key, value in labels.items()),
        "CreatedAt": found["Created"],
    }  # fmt: skip
