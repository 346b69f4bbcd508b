"""`capas stats`: what containers use, as it changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import format_option
from capas.cli.table import Column, Row, iter_lines
from capas.cli.units import binary_size
from capas.errors import Conflict, NotFound
from capas.printable import human_size
from capas.run.usage import Usage

_COLUMNS = (
    Column("ID", "CONTAINER ID"),
    Column("Name", "NAME"),
    Column("CPUPerc", "CPU %"),
    Column("MemUsage", "MEM USAGE / LIMIT"),
    Column("MemPerc", "MEM %"),
    Column("NetIO", "NET I/O"),
    Column("BlockIO", "BLOCK I/O"),
    Column("PIDs", "PIDS"),
    Column("Container", "CONTAINER", False),
)
_PERIOD_SECONDS = 1.0
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


@click.command(cls=Command, help="Show what containers use, all that run or those that are named")
@click.argument("containers", nargs=-1)
@click.option("-a", "--all", "every", is_flag=True, help="Also those that do not run")
@format_option
@click.option("--no-stream", is_flag=True, help="Once, and not as it changes")
@click.option("--no-trunc", is_flag=True, help="Do not shorten anything")
@pass_app
def stats(
    app: App, /, *, containers: tuple[str, ...], every: bool, format: str | None, no_stream: bool, no_trunc: bool
) -> None:
    """A row a container, once a second; at a terminal over the rows before."""
    show = _draw if sys.stdout.isatty() and not no_stream else _print
    try:
        before = _read(app, containers, every=every)
        if not no_stream:
            show(_lines(before, before, format, whole=no_trunc))  # something at once; shares need two readings
        while True:
            time.sleep(_PERIOD_SECONDS)
            now = _read(app, containers, every=every)
            show(_lines(before, now, format, whole=no_trunc))
            if no_stream:
                return
            before = now
    except KeyboardInterrupt:
        return  # the way to leave it


class _Reading(NamedTuple):
    """What a container uses at one time. `asked`: what it was called by."""

    asked: str
    id: str
    name: str
    usage: Usage


def _read(app: App, named: Sequence[str], *, every: bool) -> list[_Reading]:
    verbs = app.engine.containers
    asked = named or [one.id for one in verbs.list(every=every)]
    found = []
    for name in asked:
        try:
            record = verbs.get(name).record
        except NotFound:
            if named:
                raise
            continue  # it was removed while we looked
        try:
            usage = verbs.usage(record.id)
        except Conflict:
            usage = Usage()
        found.append(_Reading(name, record.id, record.name, usage))
    return found


def _lines(before: Sequence[_Reading], now: Sequence[_Reading], format: str | None, *, whole: bool) -> list[str]:
    earlier = {one.id: one.usage for one in before}
    rows = [_row(one, earlier.get(one.id, Usage()), whole=whole) for one in now]
    return list(iter_lines(rows, _COLUMNS, format))


def _row(one: _Reading, before: Usage, *, whole: bool) -> Row:
    usage = one.usage
    memory = max(usage.memory - usage.cache, 0)
    received = sum(each.rx_bytes for each in usage.networks.values())
    sent = sum(each.tx_bytes for each in usage.networks.values())
    return {
        "ID": one.id if whole else one.id[:12],
        "Container": one.asked,
        "Name": one.name,
        "CPUPerc": f"{_share_of_processors(before, usage):.2f}%",
        "MemUsage": f"{binary_size(memory)} / {binary_size(usage.memory_limit)}",
        "MemPerc": f"{100 * memory / usage.memory_limit if usage.memory_limit else 0:.2f}%",
        "NetIO": f"{human_size(received)} / {human_size(sent)}",
        "BlockIO": f"{human_size(usage.read_bytes)} / {human_size(usage.written_bytes)}",
        "PIDs": str(usage.processes),
    }


def _share_of_processors(before: Usage, now: Usage) -> float:
    """In percent of one processor, as docker: two whole ones are 200."""
    spent, passed = now.cpu_ns - before.cpu_ns, now.system_ns - before.system_ns
    return 100 * spent / passed * now.processors if before.system_ns and spent > 0 and passed > 0 else 0.0


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line)


def _draw(lines: Sequence[str]) -> None:
    """Over what was there: each line to its end, and nothing below."""
    sys.stdout.write(_HOME + "".join(f"{line}{_END_OF_LINE}\n" for line in lines) + _BELOW)
    sys.stdout.flush()
