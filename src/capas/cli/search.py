"""`capas search`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.options import filter_option, format_option
from capas.cli.table import Column, Row, print_rows
from capas.errors import Invalid
from capas.registry.refusal import harmless
from capas.registry.search import MOST, ORDERS, Hit, Order, Wanted

_COLUMNS = (
    Column("Name", "NAME"),
    Column("Description", "DESCRIPTION"),
    Column("StarCount", "STARS"),
    Column("IsOfficial", "OFFICIAL"),
    Column("PullCount", "PULLS"),
    Column("IsAutomated", "AUTOMATED", False),
)
_LONGEST = 45
_FLAGS: Mapping[str, str] = MappingProxyType({"is-official": "official", "is-automated": "automated"})
_BOOLS: Mapping[str, bool] = MappingProxyType({"true": True, "1": True, "false": False, "0": False})


@click.command(cls=Command, help="Find images by words, in docker.io or in a registry named before them")
@click.argument("term", metavar="[REGISTRY/]TERM")
@filter_option
@format_option
@click.option("--limit", default=25, show_default=True, type=click.IntRange(1, MOST), help="At most so many")
@click.option("--no-trunc", is_flag=True, help="Do not shorten anything")
@click.option("--order", type=click.Choice(ORDERS), default="relevance", show_default=True, help="What comes first")
@pass_app
def search(
    app: App, /, *, term: str, filters: Sequence[str], format: str | None, limit: int, no_trunc: bool, order: Order
) -> None:
    """docker's columns and pulls; where nothing is found, what may have been meant."""
    wanted = Wanted(term, order=order, limit=limit)._replace(**dict(_filter(text) for text in filters))
    found = app.engine.images.search(wanted)
    print_rows([_row(hit, whole=no_trunc, bare=_is_json(format)) for hit in found.hits], _COLUMNS, format)
    if not found.hits:
        app.warn("Nothing was found")
        for name in found.suggestions:
            app.warn("Did you mean {name}?", name=harmless(name))


def _row(hit: Hit, *, whole: bool, bare: bool) -> Row:
    """docker's fields: texts all of them, `bare` (in JSON) with true and false."""
    description = harmless(hit.description)
    if not whole and len(description) > _LONGEST:
        description = description[: _LONGEST - 1] + "…"
    return {
        "Name": harmless(hit.name),
        "Description": description,
        "StarCount": str(hit.stars),
        "PullCount": "" if hit.pulls is None else str(hit.pulls),
        "IsOfficial": _yes(hit.is_official, bare=bare),
        "IsAutomated": _yes(hit.is_automated, bare=bare),
    }


def _yes(value: bool, *, bare: bool) -> str:
    return str(value).lower() if bare else "[OK]" if value else ""


def _is_json(format: str | None) -> bool:
    return format == "json" or "{{json.}}" in (format or "").replace(" ", "")


def _filter(text: str) -> tuple[str, Any]:
    """A filter as a field of `Wanted`. Raises: Invalid."""
    key, equals, value = text.partition("=")
    if equals and key in _FLAGS and value in _BOOLS:
        return _FLAGS[key], _BOOLS[value]
    if equals and key == "stars" and value.isascii() and value.isdigit() and len(value) < 10:
        return "least_stars", int(value)
    raise Invalid(
        "not a search filter: {filter!r}",
        filter=text[:200],
        hint="filters are: is-official=true, is-official=false, is-automated=true, is-automated=false, stars=NUMBER",
    )
