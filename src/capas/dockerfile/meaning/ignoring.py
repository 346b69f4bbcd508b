"""A .dockerignore in words: what each line keeps from the build."""

from __future__ import annotations

from collections.abc import Iterator

from capas.dockerfile.ignore import Rule, parse_ignore
from capas.dockerfile.meaning.comments import explain_comment
from capas.dockerfile.meaning.explaining import COMMENT, Explained, Explanation
from capas.dockerfile.meaning.sentence import Sentence, told
from capas.dockerfile.position import Position
from capas.dockerfile.source import Source

SUFFIX = ".dockerignore"
_WILD = frozenset("*?[")


def explain_ignore(text: str, name: str = SUFFIX) -> Explanation:
    """Every line of an ignore file in words. Raises: Invalid for a pattern that cannot be read."""
    rules = {rule.line: rule for rule in parse_ignore(text, name).rules}
    source = Source(name, tuple(text.removeprefix("\N{BYTE ORDER MARK}").split("\n")))
    lines = []
    for row, line in enumerate(source.lines, 1):
        place = Position.at(row, 1, len(line))
        if row in rules:
            lines.append(Explained("!" if rules[row].exception else "", place, tuple(_line(rules[row]))))
        elif line.strip():
            lines.append(Explained(COMMENT, place, tuple(explain_comment(line))))
    return Explanation(source, tuple(_summary(name)), tuple(lines))


def _summary(name: str) -> Iterator[Sentence]:
    dockerfile = name.rpartition("/")[2].removesuffix(SUFFIX)
    yield told("What fits a line is no part of the build context, and COPY and ADD do not see it; the last line that "
               "fits decides")  # fmt: skip
    if dockerfile:
        yield told("It is for builds of {dockerfile} alone, in place of the .dockerignore of the context",
                   dockerfile=dockerfile)  # fmt: skip


def _line(rule: Rule) -> Iterator[Sentence]:
    pattern = rule.pattern
    if rule.exception:
        yield told("Takes {pattern} in again, though a line above left it out", pattern=pattern)
    else:
        yield told("Leaves out {pattern}, and if it is a directory all that is in it", pattern=pattern)
    if "**" in pattern:
        yield told("`**` stands for any number of directories, none too")
    elif "/" not in pattern:
        yield told("only at the top of the context; {deep} would mean everywhere", deep=f"**/{pattern}")
    if _WILD & set(pattern.replace("**", "")):
        yield told("{pattern} is a pattern: `*` is any letters but a slash, `?` is one, `[a-z]` one of several",
                   pattern=pattern)  # fmt: skip
