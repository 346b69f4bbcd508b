"""`capas builder context`: what a build would send, before it does.

Under `builder`, not `build`: `docker build context` builds the directory called context, and so does `capas build
context`. What a command line means must not hang on which directories are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.table import Column, iter_lines, spoken
from capas.errors import Invalid
from capas.language import count_of
from capas.printable import human_size

if TYPE_CHECKING:
    from capas.build.survey import LeftOut, Survey

_FOLDERS = (Column("Folder", "FOLDER"), Column("Files", "FILES"), Column("Size", "SIZE"))
_LEFT_OUT = (
    Column("Rule", "LEFT OUT BY"), Column("Files", "FILES"), Column("Size", "SIZE"), Column("Paths", "PATHS"),
)  # fmt: skip


@click.command(cls=Command, help="Show what a build would send of a directory, and which rule leaves out what")
@click.argument("directory", metavar="[DIR]", default=".")
@click.option("-f", "--file", metavar="FILE", help="The Dockerfile (DIR/Dockerfile when not given)")
@click.option("--depth", default=1, type=click.IntRange(0), metavar="N", help="How deep folders are listed (1)")
@click.option("--format", type=click.Choice(["table", "json"]), default="table", help="How it is printed")
@pass_app
def context(app: App, /, *, directory: str, file: str | None, depth: int, format: str) -> None:
    """Folders by size, the largest first; rules in the order of their file."""
    from capas.build.request import BuildRequest

    found = app.engine.images.survey_context(BuildRequest(context=_local(directory), file=file))
    if format == "json":
        _print_json(found)
        return
    files, size = found.sent
    app.say(count_of("{count} file, {size}, is sent", "{count} files, {size}, are sent", files, size=human_size(size)))
    for rows, columns in ((_folder_rows(found, depth), _FOLDERS), (_left_out_rows(found), _LEFT_OUT)):
        if rows:
            click.echo()
        for line in iter_lines(rows, spoken(columns, app.words), None) if rows else ():
            click.echo(line)


def _local(directory: str) -> str:
    from capas.build.urls import is_git_context, is_http

    if directory == "-" or is_git_context(directory) or is_http(directory):
        raise Invalid("{context} is no directory: only a directory is looked through", context=directory)
    return directory


def _folder_rows(found: Survey, depth: int) -> list[dict[str, object]]:
    listed = [(path, total) for path, total in found.folders.items() if _depth(path) <= depth]
    listed.sort(key=lambda item: (-item[1].size, item[0]))
    return [{"Folder": _show(path), "Files": f"{total.files:,}", "Size": human_size(total.size)}
            for path, total in listed]  # fmt: skip


def _depth(path: str) -> int:
    return 0 if path == "." else path.count("/") + 1


def _left_out_rows(found: Survey) -> list[dict[str, object]]:
    return [
        {
            "Rule": f"{found.ignore_file}:{one.rule.line} {one.rule}",
            "Files": f"{one.total.files:,}",
            "Size": human_size(one.total.size),
            "Paths": _sample(one),
        }
        for one in found.left_out
    ]


def _sample(one: LeftOut) -> str:
    shown = ", ".join(map(_show, one.paths[:3]))
    return shown if len(one.paths) <= 3 else f"{shown}, … ({len(one.paths):,})"


def _show(path: str) -> str:
    """A name as it can be printed: no control character, whatever the file is called."""
    path = path.encode(errors="surrogateescape").decode(errors="replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in path)


def _print_json(found: Survey) -> None:
    import json

    document = {
        "root": str(found.root),
        "dockerfile": found.dockerfile,
        "ignoreFile": found.ignore_file,
        "files": found.sent.files,
        "size": found.sent.size,
        "folders": [{"path": path, **total._asdict()} for path, total in found.folders.items()],
        "leftOut": [
            {"rule": str(one.rule), "line": one.rule.line, **one.total._asdict(), "paths": one.paths}
            for one in found.left_out
        ],
    }
    click.echo(json.dumps(document, indent=4))
