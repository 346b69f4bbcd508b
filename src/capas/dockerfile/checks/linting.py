"""Linting: everything that is wrong with a Dockerfile, errors and all, and the same text with what can be mended."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from capas.dockerfile.checks.checking import find_all, list_options
from capas.dockerfile.checks.finding import Finding, note
from capas.dockerfile.checks.fixing import fix
from capas.dockerfile.checks.rule import Rule, Severity
from capas.dockerfile.checks.subject import read_subject
from capas.dockerfile.ignore import Ignore
from capas.dockerfile.position import Position
from capas.errors import CapasError

UNREADABLE = Rule("Unreadable", Severity.ERROR, "No builder can read it", aliases=("DL1000",))
_ROUNDS = 10


class Linted(NamedTuple):
    """The findings, and the text once what is safe to mend was mended (the same text where it was not asked for)."""

    findings: tuple[Finding, ...]
    text: str
    mended: int = 0


def lint(
    text: str, name: str = "Dockerfile", *, ignore: Ignore | None = None, skip: AbstractSet[str] = frozenset()
) -> Linted:
    """Everything that is to be said of a Dockerfile. `skip` are rules or codes that do not count.

    >>> [finding.rule.name for finding in lint("FROM scratch\\nCOPPY a b").findings]
    ['Unreadable']
    """
    try:
        subject = read_subject(text, name, ignore=ignore)
        options = list_options(subject)
        found = find_all(subject, options._replace(skip=options.skip | skip))
        errors = subject.errors
    except CapasError as error:
        found, errors = [], (error,)
    wrong = [unreadable(error) for error in errors if not skip & {UNREADABLE.name, *UNREADABLE.aliases}]
    return Linted(tuple(sorted([*wrong, *found], key=lambda finding: finding.position[:2])), text)


def mend(
    text: str, name: str = "Dockerfile", *, ignore: Ignore | None = None, skip: AbstractSet[str] = frozenset()
) -> Linted:
    """The same after mending what can be mended without changing what is built; the findings are those that stay."""
    mended = 0
    linted = lint(text, name, ignore=ignore, skip=skip)
    for _ in range(_ROUNDS):  # one edit may lay another bare
        fixed = fix(linted.text, linted.findings)
        if not fixed.mended:
            break
        mended += len(fixed.mended)
        linted = lint(fixed.text, name, ignore=ignore, skip=skip)
    return linted._replace(mended=mended)


def unreadable(error: CapasError) -> Finding:
    """The finding that an error is."""
    facts = error.facts
    place = Position.at(1, 1)
    if "line" in facts:
        place = Position(*(int(str(facts[key])) for key in ("line", "column", "end_line", "end_column")))
    said = error.as_facts() | facts  # those of an error with a place are its own
    return note(UNREADABLE, place, "{problem}", hint="{advice}", problem=said["problem"], advice=said["advice"])
