"""`capas builder du` and `capas builder prune`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import filter_option, format_option
from capas.cli.table import Column, Row, print_rows
from capas.cli.units import ago, iso
from capas.clock import now_ns
from capas.errors import Invalid
from capas.printable import human_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capas.engine.builder import BuildEntry

_COLUMNS = (
    Column("ID", "ID"),
    Column("Reclaimable", "RECLAIMABLE"),
    Column("Size", "SIZE"),
    Column("LastUsedSince", "LAST ACCESSED"),
    Column("Type", "TYPE", False),
    Column("Description", "DESCRIPTION", False),
    Column("UsageCount", "USAGE COUNT", False),
    Column("Shared", "SHARED", False),
    Column("InUse", "IN USE", False),
    Column("CreatedAt", "CREATED AT", False),
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)b?", re.ASCII | re.IGNORECASE)


class Size(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Bytes as people write them: 512MB, 1.5GiB, 1000000."""

    name = "bytes"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes. Raises: Invalid."""
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            raise Invalid("not a size: {text!r}", text=str(value)[:40], hint="write it like 512MB or 1.5GiB")
        number, unit, binary = match.groups()
        return int(float(number) * (1024 if binary else 1000) ** " kmgtp".index(unit.lower() or " "))


@click.command(cls=Command, help="Show what the build cache holds, the longest unused first")
@filter_option
@format_option
@click.option("--verbose", is_flag=True, help="Everything about each entry")
@pass_app
def du(app: App, /, *, filters: tuple[str, ...], format: str | None, verbose: bool) -> None:
    """docker buildx du's columns, and its sums below."""
    entries = app.engine.builder.list(filters=filters)
    if verbose:
        for entry in entries:
            _print_block(_row(entry))
    else:
        print_rows([_row(entry) for entry in entries], _COLUMNS, format)
    if format is None:
        _print_sums(app, entries)


@click.command(cls=Command, help="Forget what the build cache holds, the longest unused first. Built images stay")
@click.option("-a", "--all", "every", is_flag=True, help="Also Capas' own notes about layers and files")
@click.option("--filter", "filters", multiple=True, metavar="KEY=VALUE", help="Keep only what fits")
@click.option("-f", "--force", is_flag=True, help="Do not ask")
@click.option("--max-used-space", type=Size(), metavar="SIZE", help="Remove until the cache takes no more than this")
@click.option("--reserved-space", type=Size(), metavar="SIZE", help="Always leave the cache this much")
@click.option("--keep-storage", type=Size(), metavar="SIZE", help="The old name of --reserved-space")
@click.option("--verbose", is_flag=True, help="Everything about each entry")
@pass_app
def prune(
    app: App,
    /,
    *,
    every: bool,
    filters: tuple[str, ...],
    force: bool,
    max_used_space: int | None,
    reserved_space: int | None,
    keep_storage: int | None,
    verbose: bool,
) -> int:
    """Say what would go, then ask, unless told not to."""
    entries = app.engine.builder.plan_prune(
        every=every,
        filters=filters,
        max_used_bytes=max_used_space,
        reserved_bytes=keep_storage if reserved_space is None else reserved_space,
    )
    if verbose:
        for entry in entries:
            _print_block(_row(entry))
    elif entries:
        print_rows([_row(entry) for entry in entries], _COLUMNS)
    if entries and not force and not app.confirm("Remove these entries of the build cache?"):
        app.warn("nothing removed: say yes, or use --force")
        return 1
    app.say("Total reclaimed space: {size}", size=human_size(app.engine.builder.prune(entries) if entries else 0))
    return 0


def _row(entry: BuildEntry) -> Row:
    return {
        "ID": entry.id,
        "Reclaimable": str(entry.reclaimable).lower(),
        "Size": human_size(entry.size) + ("*" if entry.shared else ""),
        "LastUsedSince": ago(entry.last_used_ns, now_ns()),
        "Type": entry.type,
        "Description": " ".join(entry.title.split()),
        "UsageCount": entry.uses,
        "Shared": str(entry.shared).lower(),
        "InUse": str(entry.in_use).lower(),
        "CreatedAt": iso(entry.created_ns),
    }


def _print_block(row: Row) -> None:
    for column in _COLUMNS:
        click.echo(f"{column.heading.capitalize() + ':':<15} {row[column.field]}")
    click.echo("")


def _print_sums(app: App, entries: Sequence[BuildEntry]) -> None:
    shared = sum(one.size for one in entries if one.shared)
    total = sum(one.size for one in entries)
    free = sum(one.size for one in entries if one.reclaimable and not one.shared)
    if shared:
        click.echo(f"{app.words('Shared')}: {human_size(shared)}")
        click.echo(f"{app.words('Private')}: {human_size(total - shared)}")
    click.echo(f"{app.words('Reclaimable')}: {human_size(free)}")
    click.echo(f"{app.words('Total')}: {human_size(total)}")
