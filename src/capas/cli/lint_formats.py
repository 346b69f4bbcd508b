"""Findings printed: for people, as JSON, as SARIF."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import click

from capas.cli.app import App
from capas.dockerfile.position import draw_excerpt
from capas.language import say

if TYPE_CHECKING:
    from capas.dockerfile.checks.finding import Finding

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "info": "note", "style": "note"}


class Report(NamedTuple):
    """What there is to say of one file. `mended` counts the findings that are no more; `aside`: the file itself went to
    standard output, and all that is said goes to standard error."""

    name: str
    text: str
    findings: tuple[Finding, ...]
    mended: int = 0
    aside: bool = False


def print_text(app: App, reports: Sequence[Report]) -> None:
    """Each finding with its place, its line and a caret, why it is one and how to mend it."""
    for report in reports:
        rows = report.text.split("\n")
        for finding in report.findings:
            click.echo("\n".join(iter_lines(app, finding, report.name, rows)) + "\n", err=report.aside)
        _sum_up(app, report)


def iter_lines(app: App, finding: Finding, name: str, rows: Sequence[str]) -> Iterator[str]:
    """One finding for people."""
    place, rule = finding.position, finding.rule
    yield f"{name}:{place.line}:{place.column} {app.words(str(rule.severity))} {rule.name}"
    yield "  " + say(finding.message, finding.facts, app.language)
    if place.line <= len(rows):
        row = rows[place.line - 1].removeprefix("\N{BYTE ORDER MARK}").removesuffix("\r")
        yield "    " + draw_excerpt(row, place).replace("\n", "\n    ")
    yield "  " + app.words("why: {why}", why=app.words(rule.why))
    if finding.advice:
        yield "  " + app.words("how: {how}", how=say(finding.advice, finding.facts, app.language))


def print_json(app: App, reports: Sequence[Report]) -> None:
    """A list with hadolint's fields, and more."""
    found = [_document(app, report, finding) for report in reports for finding in report.findings]
    click.echo(json.dumps(found, indent=2, ensure_ascii=False), err=any(report.aside for report in reports))


def print_sarif(app: App, reports: Sequence[Report]) -> None:
    """SARIF 2.1.0, as code hosts read it."""
    findings = [(report, finding) for report in reports for finding in report.findings]
    rules = {finding.rule.name: finding.rule for _, finding in findings}
    driver = {
        "name": "capas lint",
        "rules": [
            {"id": rule.name, "shortDescription": {"text": app.words(rule.why)}}
            | ({"helpUri": rule.url} if rule.url else {})
            for rule in rules.values()
        ],
    }
    results = [_result(app, report, finding) for report, finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    whole = {"$schema": _SARIF, "version": "2.1.0", "runs": [run]}
    click.echo(json.dumps(whole, indent=2, ensure_ascii=False), err=any(report.aside for report in reports))


def _sum_up(app: App, report: Report) -> None:
    if report.mended:
        text = app.words("{file}: mended {count}", file=report.name, count=report.mended)
        click.echo(text, err=report.aside)
    fixable = sum(bool(finding.edits) for finding in report.findings)
    if fixable:
        click.echo(app.words("{file}: --fix can mend {count}", file=report.name, count=fixable), err=report.aside)


def _document(app: App, report: Report, finding: Finding) -> dict[str, object]:
    place = finding.position
    return {
        "file": report.name,
        "line": place.line,
        "column": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
        "level": str(finding.rule.severity),
        "code": finding.rule.name,
        "message": say(finding.message, finding.facts, app.language),
        "why": app.words(finding.rule.why),
        "how": say(finding.advice, finding.facts, app.language),
        "url": finding.rule.url,
        "fixable": bool(finding.edits),
    }


def _result(app: App, report: Report, finding: Finding) -> dict[str, object]:
    place = finding.position
    region = {
        "startLine": place.line, "startColumn": place.column, "endLine": place.end_line, "endColumn": place.end_column,
    }  # fmt: skip
    location = {"artifactLocation": {"uri": quote(report.name)}, "region": region}
    return {
        "ruleId": finding.rule.name,
        "level": _LEVELS[str(finding.rule.severity)],
        "message": {"text": say(finding.message, finding.facts, app.language)},
        "locations": [{"physicalLocation": location}],
    }
