"""Flags that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from capas.oci.platform import Platform

F = TypeVar("F", bound=Callable[..., Any])


def format_option(function: F) -> F:
    """--format, as docker has it for lists."""
    text = "Print rows as 'table', 'json' or by a Go template: 'table {{.ID}}\\t{{.Size}}'"
    return click.option("--format", metavar="FORMAT", help=text)(function)


def progress_option(function: F) -> F:
    """--progress."""
    text = "Show progress as 'auto', 'tty', 'plain', 'rawjson' or 'quiet' (CAPAS_PROGRESS)"
    return click.option("--progress", default="", metavar="MODE", help=text)(function)


def platform_option(function: F) -> F:
    """--platform."""
    text = "For this platform: os[/architecture[/variant]]"
    return click.option("--platform", callback=_platform, metavar="PLATFORM", help=text)(function)


def null_option(function: F) -> F:
    """-0."""
    text = "Print names as they are, each ended by a zero byte: for programs (xargs -0)"
    return click.option("-0", "--null", is_flag=True, help=text)(function)


def filter_option(function: F) -> F:
    """--filter, several times."""
    return click.option("-f", "--filter", "filters", multiple=True, metavar="KEY=VALUE", help="Keep only what fits")(
        function
    )


def _platform(ctx: click.Context, parameter: click.Parameter, text: str | None) -> Platform | None:
    return Platform.parse(text) if text else None
