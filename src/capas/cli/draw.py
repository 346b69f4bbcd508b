"""`capas image draw`, `capas system draw`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import platform_option
from capas.cli.units import ago
from capas.clock import now_ns
from capas.printable import human_size, shortened

if TYPE_CHECKING:
    from capas.look.forest import Block, Flag
    from capas.look.lanes import Line
    from capas.look.picture import Picture
    from capas.oci.platform import Platform

_COLOURS = {"base": "bright_black", "run": "cyan", "copy": "yellow", "other": "magenta", "written": "red"}
_LEAST_STEP = 10  # letters of a step; where there is less room, its digest and then its age give way
_LEAST_NAMES = 8

output_option = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Draw into a file: .svg, .png, .html, .mmd (Mermaid) or .dot (Graphviz)",
)  # fmt: skip


@click.command(cls=Command, help="Draw the layers of images to scale, those that they share once")
@click.argument("images", nargs=-1, required=True)
@click.option("--containers", is_flag=True, help="Draw what their containers wrote on top of them")
@output_option
@platform_option
@pass_app
def draw(
    app: App,
    /,
    *,
    images: tuple[str, ...],
    containers: bool,
    output: Path | None,
    platform: Platform | None,
) -> None:
    """From the newest layer down to `scratch`."""
    _show(app, app.engine.look.draw(*images, platform=platform, containers=containers), output)


@click.command(cls=Command, help="Draw all images here, what they share, and what deleting each would free")
@output_option
@pass_app
def draw_store(app: App, /, *, output: Path | None) -> None:
    """One picture of the store."""
    _show(app, app.engine.look.draw_store(), output)


def _show(app: App, picture: Picture, output: Path | None) -> None:
    if output is not None:
        picture.save(output)
        return
    from capas.look.lanes import BAR, draw_lanes

    lines = draw_lanes(picture.root)
    room, now = shutil.get_terminal_size().columns, now_ns()
    lanes = max((len(line.lanes) for line in lines if line.block), default=0)
    ages = max((len(_age(line.block, now)) for line in lines if line.block), default=0)
    for line in lines:
        if line.flag is not None:
            click.echo(_flag_line(app, line.lanes, line.flag, room))
        elif line.block is not None:
            columns = _columns(line.block, _age(line.block, now).ljust(ages), room - lanes - BAR - 1)
            click.echo(_block_line(line, line.block, lanes, columns))
        else:
            click.echo(line.lanes)


def _flag_line(app: App, lanes: str, flag: Flag, room: int) -> str:
    from capas.look.scene import tell_use

    names, told = ", ".join(flag.names), tell_use(flag, app.words)
    more = "  ".join(part for part in (flag.id, told) if part)
    shown = shortened(names, max(room - len(lanes) - len(more) - 2, _LEAST_NAMES))
    return f"{lanes}{click.style(shown, bold=True)}  {click.style(more, dim=True)}".rstrip()


def _block_line(line: Line, block: Block, lanes: int, columns: list[str]) -> str:
    from capas.look.lanes import BAR

    colour = _COLOURS[block.step.kind]
    space = " " * (lanes - len(line.lanes) + BAR - len(line.bar) + 1)
    start = line.lanes[:-2] + click.style(line.lanes[-2:], fg=colour) + click.style(line.bar, fg=colour)
    return f"{start}{space}{'  '.join(columns)}".rstrip()


def _columns(block: Block, age: str, room: int) -> list[str]:
    """Size, age, digest and step; the digest and then the age give way where the step would not find room."""
    columns = [human_size(block.size).rjust(6), age, (block.digest.short if block.digest else "").ljust(12)]
    while len(columns) > 1 and room - sum(len(column) + 2 for column in columns) < _LEAST_STEP:
        columns.pop()
    room -= sum(len(column) + 2 for column in columns)
    return [*columns, shortened(block.step.words, room)]


def _age(block: Block, now: int) -> str:
    return ago(block.step.created_ns, now)
