"""Build checks on the terminal: all of them for `build --check`, a line each after a build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from capas.cli.app import App
from capas.cli.lint_formats import iter_lines
from capas.language import count_of, say

if TYPE_CHECKING:
    from capas.build.checking import Checked
    from capas.dockerfile.checks.finding import Finding


def print_checked(app: App, checked: Checked) -> int:
    """Every finding with its place, why and how, as docker builds end with: exit code 1 where there is any."""
    from capas.dockerfile.checks.linting import unreadable

    found = sorted([*checked.findings, *map(unreadable, checked.errors)], key=lambda one: one.position[:2])
    if not found:
        app.say("Check complete, no warnings found.")
    else:
        app.say(
            count_of(
                "Check complete, {count} warning has been found!",
                "Check complete, {count} warnings have been found!",
                len(found),
            )
        )
    rows = checked.text.split("\n")
    for finding in found:
        click.echo("\n" + "\n".join(iter_lines(app, finding, checked.name, rows)))
    return int(bool(found))


def say_findings(app: App, findings: Sequence[Finding]) -> None:
    """docker's summary after a build."""
    if not findings:
        return
    warnings = count_of("{count} warning found", "{count} warnings found", len(findings))
    app.warn("{warnings} (`capas build --check` tells more):", warnings=warnings)
    for finding in findings:
        app.warn(
            " - {rule}: {problem} (line {line})", rule=finding.rule.name, line=finding.position.line,
            problem=say(finding.message, finding.facts, app.language),
        )  # fmt: skip
