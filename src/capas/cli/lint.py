"""`capas lint`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from capas.cli.app import App, pass_app
from capas.cli.lazy import Command
from capas.cli.lint_formats import Report, print_json, print_sarif, print_text
from capas.cli.table import Column, print_rows
from capas.errors import Invalid, NotFound

_DEFAULT = "Dockerfile"
_LEVELS = ("error", "warning", "info", "style", "none")
_PRINTERS = {"text": print_text, "json": print_json, "sarif": print_sarif}
_RULES = (Column("Rule", "RULE"), Column("Severity", "SEVERITY"), Column("Aliases", "ALIASES"), Column("Why", "WHY"))


@click.command(cls=Command, help="Tell what is wrong in Dockerfiles, why, and how to mend it. FILE is - for the input")
@click.argument("files", metavar="[FILE…]", nargs=-1)
@click.option("--format", default="text", type=click.Choice(list(_PRINTERS)), help="How findings are printed")
@click.option("--fix", is_flag=True, help="Mend what can be mended without changing what is built")
@click.option(
    "--ignore", "skip", multiple=True, metavar="RULE", help="Leave out a rule, by name or code; several times"
)
@click.option("--failure-threshold", "level", default="info", type=click.Choice(_LEVELS),
              help="Fail from this severity on")  # fmt: skip
@click.option("--rules", is_flag=True, help="List every rule and leave")
@pass_app
def lint(
    app: App, /, *, files: tuple[str, ...], format: str, fix: bool, skip: tuple[str, ...], level: str, rules: bool
) -> int:
    """Exit code 1 where a finding is as grave as the threshold, or graver."""
    if rules:
        _list_rules(app)
        return 0
    _check_names(skip)
    reports = [_lint(name, fix, frozenset(skip)) for name in files or (_DEFAULT,)]
    _PRINTERS[format](app, reports)
    return int(any(_fails(report, level) for report in reports))


def _lint(name: str, fix: bool, skip: frozenset[str]) -> Report:
    from capas.build.recipe import read_ignore
    from capas.dockerfile.checks.linting import lint, mend

    path = None if name == "-" else Path(name)
    text = _read(path)
    ignore = None if path is None else read_ignore(path, path.parent)
    linted = (mend if fix else lint)(text, name, ignore=ignore, skip=skip)
    if path is not None and linted.text != text:
        _write(path, linted.text)
    if path is None and fix:
        sys.stdout.buffer.write(linted.text.encode())
    return Report(name, linted.text, linted.findings, linted.mended, aside=path is None and fix)


def _read(path: Path | None) -> str:
    from capas.build.recipe import read_text

    if path is None:
        return read_text(sys.stdin.buffer, "standard input")
    try:
        with path.open("rb") as file:
            return read_text(file, str(path))
    except FileNotFoundError:
        raise NotFound("no Dockerfile at {path}", path=str(path), hint="name the file: `capas lint FILE`") from None
    except IsADirectoryError:
        raise Invalid("the Dockerfile {path} is a directory", path=str(path)) from None


def _write(path: Path, text: str) -> None:
    """Put the text in the file's place at once."""
    real = path.resolve()
    new = real.with_name(f".{real.name}.capas")
    new.write_bytes(text.encode())
    new.chmod(real.stat().st_mode & 0o7777)
    new.replace(real)


def _check_names(skip: tuple[str, ...]) -> None:
    from capas.dockerfile.checks.checking import BY_NAME
    from capas.dockerfile.checks.linting import UNREADABLE
    from capas.dockerfile.checks.options import check_names

    check_names(skip, {*BY_NAME, UNREADABLE.name, *UNREADABLE.aliases})


def _fails(report: Report, level: str) -> bool:
    from capas.dockerfile.checks.rule import Severity

    return level != "none" and any(finding.rule.severity >= Severity[level.upper()] for finding in report.findings)


def _list_rules(app: App) -> None:
    from capas.dockerfile.checks.checking import RULES
    from capas.dockerfile.checks.linting import UNREADABLE

    rows = [
        {
            "Rule": rule.name,
            "Severity": str(rule.severity),
            "Aliases": ", ".join(rule.aliases),
            "Why": app.words(rule.why),
        }
        for rule in (UNREADABLE, *RULES)
    ]
    print_rows(rows, _RULES)
