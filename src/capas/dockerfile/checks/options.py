"""Options of checks: `# check=skip=…;error=true;experimental=…`, `BUILDKIT_DOCKERFILE_CHECK`, hadolint's comments.

Spec: docs.docker.com, "Checking your build configuration"; hadolint's README, "Inline ignores".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from capas.dockerfile.checks.finding import Finding
from capas.dockerfile.checks.rule import Rule
from capas.dockerfile.checks.subject import Subject
from capas.dockerfile.source import suggest
from capas.errors import Invalid

ALL = "all"
_COMMENT = re.compile(r"hadolint\s+(global\s+)?ignore\s*=\s*((?:\s*,?\s*[A-Z]{2}[0-9]{4})+)")


class CheckOptions(NamedTuple):
    """Which rules count. `skip` holds no experimental ones back: these are asked for by name."""

    skip: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    is_error: bool = False

    def wants(self, rule: Rule) -> bool:
        """Whether this rule's findings are shown."""
        if rule.experimental:
            return bool({ALL, rule.name} & self.experimental)
        return not {ALL, rule.name, *rule.aliases} & self.skip


def parse_options(text: str, known: Iterable[str] = ()) -> CheckOptions:
    """The options in the value of the directive. `known` are the names to guess from.

    Raises: Invalid.

    >>> parse_options("skip=JSONArgsRecommended; error=true").is_error
    True
    """
    options = CheckOptions()
    for part in text.split(";") if text.strip() else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        names = frozenset(name.strip() for name in value.split(","))
        if key == "skip" and equals:
            options = options._replace(skip=names)
        elif key == "experimental" and equals:
            options = options._replace(experimental=names)
        elif key == "error" and value.lower() in ("true", "false", "1", "0", "t", "f"):
            options = options._replace(is_error=value.lower() in ("true", "1", "t"))
        else:
            raise Invalid(
                "invalid check option: {option!r}", option=part.strip()[:60],
                hint="write skip=RULE,…; error=true; experimental=RULE,…",
            )  # fmt: skip
    every = set(known)
    if every:
        check_names(options.skip | options.experimental, every)
    return options


def check_names(given: Iterable[str], known: AbstractSet[str]) -> None:
    """Raises: Invalid for a name that no rule has."""
    for name in sorted(set(given) - known - {ALL}):
        meant = suggest(name, tuple(sorted(known)))
        raise Invalid(
            "no check is called {name!r}", name=name[:60], meant=meant,
            hint="did you mean {meant}?" if meant else "`capas lint --rules` lists them",
        )  # fmt: skip


class Pragmas:
    """hadolint's comments in a file: `# hadolint ignore=DL3008` above an instruction, `# hadolint global ignore=…`."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._rows = [line.position.line for line in subject.lexed.lines]
        comments = (row.strip()[1:].strip() for row in subject.source.lines if row.lstrip().startswith("#"))
        self._everywhere = {name for comment in comments for name in _ignored(comment, everywhere=True)}

    def allow(self, finding: Finding) -> bool:
        """Whether one of them lets this finding pass."""
        names = {finding.rule.name, *finding.rule.aliases}
        return bool(names & self._everywhere) or bool(names & self._near(finding.position.line))

    def _near(self, row: int) -> set[str]:
        at = bisect_right(self._rows, row)
        comments = self._subject.comments_above(self._rows[at - 1] if at else row)
        return {name for _, comment in comments for name in _ignored(comment, everywhere=False)}


def _ignored(comment: str, *, everywhere: bool) -> set[str]:
    found = _COMMENT.fullmatch(comment)
    if found is None or bool(found[1]) != everywhere:
        return set()
    return {name.strip() for name in found[2].split(",")}
