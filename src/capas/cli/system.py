"""`capas system df`, `capas system info`, `capas version`."""

from __future__ import annotations

import click

from capas.cli.app import App, pass_app
from capas.cli.findings import line_of
from capas.cli.lazy import Command
from capas.cli.options import format_option, progress_option
from capas.cli.table import Column, print_rows
from capas.cli.template import Template
from capas.cli.template_functions import to_json
from capas.printable import human_size
from capas.release import capas_version

_DF = (
    Column("Type", "TYPE"),
    Column("TotalCount", "TOTAL"),
    Column("Active", "ACTIVE"),
    Column("Size", "SIZE"),
    Column("Reclaimable", "RECLAIMABLE"),
)


@click.command(cls=Command, help="Show how much disk is used, and by what")
@format_option
@pass_app
def df(app: App, /, *, format: str | None) -> None:
    """One row a kind of thing."""
    rows = [
        {
            "Type": usage.kind if format else app.words(usage.kind),
            "TotalCount": usage.total,
            "Active": usage.active,
            "Size": human_size(usage.size),
            "Reclaimable": human_size(usage.reclaimable),
        }
        for usage in app.engine.system.df()
    ]
    print_rows(rows, _DF, format)
    spared = app.engine.system.spared()
    if spared and format is None:
        app.say(
            "{size} of packed layers are not kept: they are made or fetched again when needed", size=human_size(spared)
        )


@click.command(cls=Command, help="Read everything that is stored and tell what is damaged")
@click.option("--repair", is_flag=True, help="Remove what is damaged, so that a pull brings it again")
@progress_option
@pass_app
def check(app: App, /, *, repair: bool, progress: str) -> int:
    """A line a finding; exit code 1 where something is still wrong."""
    with app.progress(progress) as report:
        findings = app.engine.system.check(repair=repair, report=report)
    for finding in findings:
        click.echo(line_of(finding, app.words))
    if not findings:
        app.say("Everything is whole")
    return int(any(not finding.repaired for finding in findings))


@click.command(cls=Command, help="Show what this machine allows and what was chosen, and why")
@click.option("-f", "--format", metavar="TEMPLATE", help="Print by a Go template, or 'json'")
@pass_app
def info(app: App, /, *, format: str | None) -> None:
    """A line a fact."""
    facts = {**app.engine.system.info(), "Version": capas_version()}
    _print_facts(app, facts, format)


@click.command(cls=Command, help="Show the versions of Capas and of what it uses")
@click.option("-f", "--format", metavar="TEMPLATE", help="Print by a Go template, or 'json'")
@pass_app
def version(app: App, /, *, format: str | None) -> None:
    """A line a fact."""
    _print_facts(app, {"Version": capas_version(), **app.engine.system.versions()}, format)


def _print_facts(app: App, facts: dict[str, object], format: str | None) -> None:
    if format == "json":
        click.echo(to_json(facts))
    elif format:
        click.echo(Template(format).fill(facts))
    else:
        for name, value in facts.items():
            text = ", ".join(value) if isinstance(value, list) else value
            click.echo(f"{app.words(name)}: {text}")
