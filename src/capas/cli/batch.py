"""Verbs over several things: each on its own, one failure does not keep the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from capas.cli.app import App
from capas.errors import CapasError
from capas.language import say


def each(app: App, names: Iterable[str], work: Callable[[str], object]) -> int:
    """Do the work for each name and say what went wrong with which. The exit code: 1 if anything did."""
    failed = 0
    for name in names:
        try:
            work(name)
        except CapasError as error:
            failed = 1
            say_error(app, error)
    return failed


def say_error(app: App, error: CapasError) -> None:
    """One line for what went wrong, and one for what to do."""
    click.echo("capas: " + say(error.message, error.facts, app.language), err=True)
    if error.hint_template:
        click.echo("  → " + say(error.hint_template, error.facts, app.language), err=True)
