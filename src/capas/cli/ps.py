"""`capas ps`, `capas container ls`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import filter_option, format_option
from capas.cli.table import Column, Row, print_rows
from capas.cli.template_functions import to_json
from capas.cli.units import ago, iso
from capas.clock import now_ns
from capas.engine.container_summary import ContainerSummary
from capas.printable import cut, human_size

_COLUMNS = (
    Column("ID", "CONTAINER ID"),
    Column("Image", "IMAGE"),
    Column("Command", "COMMAND"),
    Column("RunningFor", "CREATED"),
    Column("Status", "STATUS"),
    Column("Ports", "PORTS"),
    Column("Names", "NAMES"),
    Column("Size", "SIZE", False),
    Column("CreatedAt", "CREATED AT", False),
    Column("State", "STATE", False),
    Column("Labels", "LABELS", False),
    Column("Mounts", "MOUNTS", False),
    Column("LocalVolumes", "LOCAL VOLUMES", False),
    Column("Networks", "NETWORKS", False),
)
_LONGEST_COMMAND, _LONGEST_MOUNT = 20, 15


@click.command(cls=Command, help="List containers: those that run, or (-a) all")
@click.option("-a", "--all", "every", is_flag=True, help="Also those that do not run")
@filter_option
@format_option
@click.option("-n", "--last", type=int, metavar="NUMBER", help="The newest so many, in any state")
@click.option("-l", "--latest", is_flag=True, help="The newest one, in any state")
@click.option("--no-trunc", is_flag=True, help="Do not shorten anything")
@click.option("-q", "--quiet", is_flag=True, help="Print ids only")
@click.option("-s", "--size", is_flag=True, help="Show how much they changed")
@pass_app
def ls(
    app: App,
    /,
    *,
    every: bool,
    filters: tuple[str, ...],
    format: str | None,
    last: int | None,
    latest: bool,
    no_trunc: bool,
    quiet: bool,
    size: bool,
) -> None:
    """One row a container."""
    limit = 1 if latest else last
    found = app.engine.containers.list(every=every, limit=limit, filters=filters)
    if quiet:
        for one in found:
            click.echo(one.id if no_trunc else one.id[:12])
        return
    measured = size or (format is not None and ".Size" in format)
    now = now_ns()
    rows = [_row(one, no_trunc, now, _size(app, one) if measured else "") for one in found]
    columns = [column._replace(shown=True) if size and column.field == "Size" else column for column in _COLUMNS]
    print_rows(rows, columns, format)


def _row(one: ContainerSummary, whole: bool, now: int, size: str) -> Row:
    return {
        "ID": one.id if whole else one.id[:12],
        "Image": one.image,
        "Command": to_json(one.command if whole else cut(one.command, _LONGEST_COMMAND)),
        "RunningFor": ago(one.created_ns, now),
        "CreatedAt": iso(one.created_ns),
        "Status": one.status,
        "State": one.state,
        "Ports": ports_text(one),
        "Names": one.name,
        "Size": size,
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(one.labels.items())),
        "Mounts": ",".join(mount if whole else cut(mount, _LONGEST_MOUNT) for mount in one.mounts),
        "LocalVolumes": sum(not mount.startswith("/") for mount in one.mounts),
        "Networks": ",".join(one.networks),
    }


def ports_text(one: ContainerSummary) -> str:
    """`0.0.0.0:8080->80/tcp, 443/tcp`: those published, then those only exposed."""
    published = {f"{port.container_port}/{port.protocol}" for port in one.ports}
    exposed: Sequence[str] = [text for text in one.exposed if text not in published] if one.running else []
    return ", ".join([*map(str, one.ports), *exposed])


def _size(app: App, one: ContainerSummary) -> str:
    return human_size(app.engine.containers.size_of(one.id))
