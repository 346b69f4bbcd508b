"""Wildcards of COPY and ADD: Go's filepath.Match, to the letter.

`*` is any text without a slash, `?` one character but a slash, `[a-z]` and `[^a-z]` one of a class, `\\` makes the next
one plain. Matching never backtracks over more than one star.

Spec: Go, package path/filepath, Match.
"""

from __future__ import annotations

import re

from capas.errors import Invalid

_STAR, _ONE = "[^/]*", "[^/]"


def has_wildcard(text: str) -> bool:
    """Whether the word is a pattern rather than a plain path."""
    return any(char in text for char in "*?[\\")


class Wildcard:
    """A pattern, ready to be matched against many paths."""

    def __init__(self, pattern: str) -> None:
        """Raises: Invalid for a class or an escape that is never ended."""
        self.pattern = pattern
        self._regex = re.compile(translate(pattern), re.DOTALL)

    def matches(self, path: str) -> bool:
        """Whether the whole path matches."""
        return self._regex.fullmatch(path) is not None


def match(pattern: str, path: str) -> bool:
    """Whether the whole path matches the pattern, once. Raises: Invalid.

    >>> match("*.go", "main.go"), match("*", "a/b")
    (True, False)
    """
    return Wildcard(pattern).matches(path)


def translate(pattern: str) -> str:
    """A regular expression for the whole of a path. Raises: Invalid."""
    runs = split_stars(pattern)
    if len(runs) == 1:
        return runs[0]
    middle = "".join(f"(?>{_STAR}?{run})" for run in runs[1:-1] if run)
    return f"{runs[0]}{middle}{_STAR}{runs[-1]}"


def split_stars(pattern: str) -> list[str]:
    """The pattern cut at its stars, each run as a regular expression of fixed length. Raises: Invalid."""
    runs, at = [""], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            runs.append("")
            at += 1
            continue
        piece, at = read_piece(pattern, at)
        runs[-1] += piece
    return runs


def read_piece(pattern: str, at: int) -> tuple[str, int]:
    """What stands at `at` (no star) as a regular expression, and where the next piece begins. Raises: Invalid."""
    char = pattern[at]
    if char == "?":
        return _ONE, at + 1
    if char == "[":
        return _class(pattern, at + 1)
    if char == "\\":
        literal, at = _literal(pattern, at)
        return re.escape(literal), at
    return re.escape(char), at + 1


def _literal(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at : at + 1] == "\\":
        at += 1
    if at >= len(pattern):
        raise _bad(pattern)
    return pattern[at], at + 1


def _class(pattern: str, at: int) -> tuple[str, int]:
    negated = pattern[at : at + 1] == "^"
    at += negated
    ranges: list[str] = []
    while not (ranges and pattern[at : at + 1] == "]"):
        low, at = _member(pattern, at)
        high = low
        if pattern[at : at + 1] == "-":
            high, at = _member(pattern, at + 1)
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            ranges.append("")  # Go takes a range the wrong way round for an empty one
    inside = "".join(ranges)
    if not inside:
        return ("[\\s\\S]" if negated else "(?!)"), at + 1
    return f"[{'^' if negated else ''}{inside}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at : at + 1] in ("", "-", "]"):
        raise _bad(pattern)
    return _literal(pattern, at)


def _bad(pattern: str) -> Invalid:
    shown = pattern if len(pattern) <= 100 else pattern[:100] + "…"
    return Invalid("not a pattern: {pattern!r}", pattern=shown, hint="a [ needs its ], and a \\ something after it")
