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
from capas.errors import Unavailable
from capas.printable import human_size, shortened

if TYPE_CHECKING:
    from capas.look.forest import Branch, Flag
    from capas.look.lanes import Line
    from capas.oci.platform import Platform

_COLOURS = {"base": "bright_black", "run": "cyan", "copy": "yellow", "other": "magenta", "written": "red"}
_LEAST_STEP = 16  # letters of a step; where there is less room, its digest and then its age give way

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
    from capas.engine.drawing import grow_images

    _show(app, grow_images(app.engine, images, platform, containers=containers), output, ", ".join(images))


@click.command(cls=Command, help="Draw all images here, what they share, and what deleting each would free")
@output_option
@pass_app
def draw_store(app: App, /, *, output: Path | None) -> None:
    """One picture of the store."""
    from capas.engine.drawing import grow_store

    _show(app, grow_store(app.engine), output, "capas system draw")


def _show(app: App, root: Branch, output: Path | None, title: str) -> None:
    if output is None:
        _print(app, root)
        return
    from capas.look.picture import draw as draw_file

    picture = draw_file(root, output.suffix.removeprefix("."), title=title, language=app.language)
    try:
        output.write_bytes(picture)
    except OSError as error:
        raise Unavailable("cannot write {path}: {why}", path=str(output), why=error.strerror or str(error)) from error


def _print(app: App, root: Branch) -> None:
    from capas.look.lanes import draw_lanes

    lines = draw_lanes(root)
    lanes = max(len(line.lanes) for line in lines)
    room, now = shutil.get_terminal_size().columns, now_ns()
    for line in lines:
        click.echo(_flag_line(app, line.lanes, line.flag, room) if line.flag else _block_line(line, lanes, room, now))


def _flag_line(app: App, lanes: str, flag: Flag, room: int) -> str:
    from capas.look.scene import tell_use

    names, told = ", ".join(flag.names), tell_use(flag, app.words)
    more = "  ".join(part for part in (flag.id, told) if part)
    shown = shortened(names, max(room - len(lanes) - len(more) - 2, _LEAST_STEP))
    return f"{lanes}{click.style(shown, bold=True)}  {click.style(more, dim=True)}".rstrip()


def _block_line(line: Line, lanes: int, room: int, now: int) -> str:
    from capas.look.lanes import BAR

    if line.block is None:
        return line.lanes
    block, colour = line.block, _COLOURS[line.block.step.kind]
    columns = [human_size(block.size).rjust(7), ago(block.step.created_ns, now).ljust(14)]
    columns.append((block.digest.short if block.digest else "").ljust(12))
    left = room - lanes - BAR - 1
    while len(columns) > 1 and left - sum(len(column) + 2 for column in columns) < _LEAST_STEP:
        columns.pop()
    step = shortened(f"{block.step.instruction} {block.step.text}", left - sum(len(column) + 2 for column in columns))
    start = line.lanes[:-2] + click.style(line.lanes[-2:], fg=colour)
    space = " " * (lanes - len(line.lanes) + BAR - len(line.bar))
    return f"{start}{click.style(line.bar, fg=colour)}{space} {'  '.join((*columns, step))}".rstrip()
