"""Fixing: the edits of findings made in the text, and every other byte left as it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from capas.dockerfile.checks.finding import Edit, Finding

_MARK = "\N{BYTE ORDER MARK}"


class Fixed(NamedTuple):
    """The text after the edits, and the findings that are mended with it."""

    text: str
    mended: tuple[Finding, ...]


def fix(text: str, findings: Iterable[Finding]) -> Fixed:
    """Make the edits that findings bring; of two that overlap the earlier one is made, the other left for another run.

    Order: n log n in the number of edits.
    """
    starts = _line_starts(text)
    taken: list[tuple[int, int, str]] = []
    mended = []
    free_from = 0
    for finding in sorted((one for one in findings if one.edits), key=lambda one: one.edits[0].position[:2]):
        spans = sorted(_span(edit, starts) for edit in finding.edits)
        if spans[0][0] >= free_from:
            taken += spans
            mended.append(finding)
            free_from = spans[-1][1]
    out, at = [], 0
    for start, end, new in taken:
        out += [text[at:start], new]
        at = end
    return Fixed("".join([*out, text[at:]]), tuple(mended))


def _line_starts(text: str) -> list[int]:
    starts = [1 if text.startswith(_MARK) else 0]
    at = text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return [*starts, len(text)]


def _span(edit: Edit, starts: list[int]) -> tuple[int, int, str]:
    place = edit.position
    return starts[place.line - 1] + place.column - 1, starts[place.end_line - 1] + place.end_column - 1, edit.text
