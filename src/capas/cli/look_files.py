"""`capas image ls-files`, `find` and `cat`: the files of an image, wherever it is, without unpacking it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import format_option, null_option, platform_option
from capas.cli.table import Column, Row, print_rows
from capas.cli.units import iso
from capas.oci.platform import Platform
from capas.printable import shown_name, shown_names

if TYPE_CHECKING:
    from capas.look.files import ImageFile
    from capas.look.listing import Files

_COLUMNS = (
    Column("Mode", "MODE"),
    Column("Owner", "OWNER"),
    Column("Size", "SIZE"),
    Column("ModifiedAt", "MODIFIED"),
    Column("Layer", "LAYER"),
    Column("Path", "PATH"),
    Column("Target", "TARGET", False),
    Column("Kind", "KIND", False),
    Column("Digest", "DIGEST", False),
)
_LINES = 10_000  # written at once


@click.command(cls=Command, help="List the files of an image, or with --layer what one layer holds, deletions too")
@click.argument("image")
@click.argument("path", default="/")
@format_option
@click.option("-l", "--long", is_flag=True, help="Show mode, owner, size, time and the layer that put it there")
@click.option("--layer", default="", metavar="LAYER", help="One layer's own: a number (0 is the bottom) or a digest")
@null_option
@platform_option
@pass_app
def ls_files(
    app: App,
    /,
    *,
    image: str,
    path: str,
    format: str | None,
    long: bool,
    layer: str,
    null: bool,
    platform: Platform | None,
) -> None:
    """A line a file."""
    with app.progress() as report:
        files = app.engine.look.files(image, path, layer=layer, platform=platform, report=report)
    _print(files, "table" if long and not format else format, null=null)


@click.command(cls=Command, help="Find files in an image by name, kind, size, mode and time, as find does")
@click.argument("image")
@click.argument("path", default="/")
@format_option
@click.option("--in-layer", default="", metavar="LAYER", help="Among the entries of one layer: a number or a digest")
@click.option("-l", "--long", is_flag=True, help="Show mode, owner, size, time and the layer that put it there")
@click.option("--name", default="", metavar="GLOB", help="The last part of the path")
@click.option("--newer", default="", metavar="TIME", help="Changed after this time: 2024-05-17, 2024-05-17T12:30")
@null_option
@click.option("--perm", default="", metavar="MODE", help="644 just so, -111 all of these bits, /6000 any of them")
@platform_option
@click.option("--size", default="", metavar="N[ckMG]", help="+10M for more, -1k for less, 0c for empty")
@click.option("--type", "types", default="", metavar="LETTERS", help="Some of f,d,l,c,b,p")
@pass_app
def find(
    app: App,
    /,
    *,
    image: str,
    path: str,
    format: str | None,
    in_layer: str,
    long: bool,
    name: str,
    newer: str,
    null: bool,
    perm: str,
    platform: Platform | None,
    size: str,
    types: str,
) -> None:
    """A line a file."""
    from capas.look.finding import Wanted

    wanted = Wanted(name, types, size, perm, newer)
    with app.progress() as report:
        files = app.engine.look.files(image, path, layer=in_layer, wanted=wanted, platform=platform, report=report)
    _print(files, "table" if long and not format else format, null=null)


@click.command(cls=Command, help="Print what files of an image hold; links are followed, inside the image")
@click.argument("image")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@platform_option
@pass_app
def cat(app: App, /, *, image: str, paths: tuple[str, ...], platform: Platform | None) -> None:
    """Their bytes, as they are."""
    with app.progress() as report:
        for data in app.engine.look.iter_bodies(image, paths, platform=platform, report=report):
            sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _print(files: Files, format: str | None, *, null: bool) -> None:
    if null:
        sys.stdout.buffer.write(b"".join(os.fsencode(path) + b"\0" for path in files.paths))
        sys.stdout.buffer.flush()
    elif format == "json":
        import json

        _write([json.dumps(document_of(file), separators=(",", ":")) for file in files])
    elif format is None:
        _write(shown_names(files.paths))
    else:
        print_rows([_row(file) for file in files], _COLUMNS, format)


def _write(lines: Sequence[str]) -> None:
    for at in range(0, len(lines), _LINES):
        click.echo("\n".join(lines[at : at + _LINES]))


def _row(file: ImageFile) -> Row:
    from capas.look.files import write_mode

    is_device = file.kind in ("character", "block")
    path, target = shown_name(file.path), shown_name(file.target)
    return {
        "Mode": write_mode(file.kind, file.mode),
        "Owner": f"{file.uid}:{file.gid}",
        "Size": ",".join(map(str, file.device)) if is_device else str(file.size),
        "ModifiedAt": iso(file.mtime_ns),
        "Layer": str(file.layer),
        "Path": path,
        "Target": target,
        "Kind": file.kind,
        "Digest": f"sha256:{file.digest}" if file.digest else "",
    }


def document_of(file: ImageFile) -> dict[str, object]:
    """All of it. Names are in JSON as `os.fsdecode` gives them, and in ASCII: nothing is lost, nothing is obeyed."""
    return {
        "Path": file.path,
        "Kind": file.kind,
        "Mode": file.mode,
        "Uid": file.uid,
        "Gid": file.gid,
        "Size": file.size,
        "ModifiedNs": file.mtime_ns,
        "Layer": file.layer,
        "Digest": f"sha256:{file.digest}" if file.digest else "",
        "Target": file.target,
        "Device": file.device,
        "Xattrs": {os.fsdecode(name): os.fsdecode(value) for name, value in file.xattrs.items()},
    }
