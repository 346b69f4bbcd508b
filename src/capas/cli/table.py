"""Rows as docker prints them: tables, `--format` templates, JSON lines, bare ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import click

from capas.language import Words

_GAP = 3
_NARROWEST = 10 - _GAP


class Column(NamedTuple):
    """A field of the row and its heading. Only columns that are `shown` stand in the default table."""

    field: str
    heading: str
    shown: bool = True


Row = Mapping[str, object]


def spoken(columns: Sequence[Column], words: Words) -> list[Column]:
    """The columns of a table that is not docker's, under headings in the reader's language; scripts know docker's."""
    return [column._replace(heading=words(column.heading)) for column in columns]


def print_rows(rows: Sequence[Row], columns: Sequence[Column], format: str | None = None) -> None:
    """Print rows whose keys are the columns' fields. `format`: None, "table …", "json" or a Go template a row."""
    for line in iter_lines(rows, columns, format):
        click.echo(line)


def print_plain(lines: Sequence[Sequence[str]]) -> None:
    """Print cells in columns, the first line for their headings."""
    for line in _table(lines):
        click.echo(line)


def iter_lines(rows: Sequence[Row], columns: Sequence[Column], format: str | None) -> Iterator[str]:
    """The lines of the output, without their ends. Raises: Invalid for a bad template."""
    if format is None or format == "table":
        shown = [column for column in columns if column.shown]
        cells = [[str(row[column.field]) for column in shown] for row in rows]
        yield from _table([[column.heading for column in shown], *cells])
    elif format == "json":
        from capas.cli.template_functions import to_json

        yield from (to_json(dict(row)) for row in rows)
    elif format.startswith("table "):
        yield from _template_table(rows, columns, format.removeprefix("table "))
    else:
        from capas.cli.template import Template

        template = Template(_unescape(format))
        yield from (template.fill(row) for row in rows)


def _template_table(rows: Sequence[Row], columns: Sequence[Column], text: str) -> Iterator[str]:
    from capas.cli.template import Template

    template = Template(_unescape(text))
    headings = {column.field: column.heading for column in columns}
    yield from _table([template.fill(row).split("\t") for row in (headings, *rows)])


def _table(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    width = max(map(len, cells))
    widths = [max([_NARROWEST, *(len(line[i]) for line in cells if i < len(line))]) for i in range(width)]
    for line in cells:
        yield "".join(text.ljust(widths[i] + _GAP) for i, text in enumerate(line)).rstrip()


def _unescape(format: str) -> str:
    return format.replace(r"\t", "\t").replace(r"\n", "\n")
