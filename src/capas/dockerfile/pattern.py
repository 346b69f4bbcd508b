"""Patterns inside `${name#pattern}`: `*` is any text, `?` any character, `\\` makes the next one plain.

Spec: POSIX shell, "Parameter Expansion" and "Pattern Matching", without brackets, as BuildKit has it. Matching never
backtracks: a Dockerfile can come from anybody.
"""

from __future__ import annotations

import re

from capas.errors import Invalid

_LONGEST = 1000
_ANY = ""  # the token of "?": no literal is empty


class Pattern:
    """A pattern, cut at its stars into runs of fixed length."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise Invalid("a pattern in a variable has at most {limit} characters", limit=_LONGEST)
        self._runs = _runs(text)
        self._compiled = [_compile(run) for run in self._runs]

    def trim_prefix(self, value: str, *, longest: bool) -> str:
        """The value without the shortest or longest beginning that matches."""
        end = self._end(value, 0, longest=longest)
        return value if end is None else value[end:]

    def trim_suffix(self, value: str, *, longest: bool) -> str:
        """The value without the shortest or longest end that matches."""
        mirror = Pattern("")
        mirror._runs = [run[::-1] for run in reversed(self._runs)]
        mirror._compiled = [_compile(run) for run in mirror._runs]
        return mirror.trim_prefix(value[::-1], longest=longest)[::-1]

    def replace(self, value: str, replacement: str, *, every: bool) -> str:
        """The value with its first match, or every match, replaced; each match is as long as can be."""
        out: list[str] = []
        at = copied = 0
        while (found := self._search(value, at)) is not None:
            start, end = found
            if start == end and out and start == copied:  # right after a match, nothing is not one more
                at = start + 1
                if at > len(value):
                    break
                continue
            out += [value[copied:start], replacement]
            copied = end
            at = end if end > start else end + 1
            if not every or at > len(value):
                break
        return "".join(out) + value[copied:]

    def _search(self, value: str, at: int) -> tuple[int, int] | None:
        first = self._compiled[0].search(value, at)
        if first is None:
            return None
        end = self._end(value, first.start(), longest=True)
        return None if end is None else (first.start(), end)

    def _end(self, value: str, start: int, *, longest: bool) -> int | None:
        """Where a match that begins at `start` ends: each run as early as can be, the last as late where asked."""
        first = self._compiled[0].match(value, start)
        if first is None:
            return None
        at = first.end()
        if len(self._compiled) == 1:
            return at
        for run in self._compiled[1:-1]:
            found = run.search(value, at)
            if found is None:
                return None
            at = found.end()
        if not longest:
            last = self._compiled[-1].search(value, at)
            return last.end() if last else None
        return self._last(value, at)

    def _last(self, value: str, at: int) -> int | None:
        run, size = self._compiled[-1], len(self._runs[-1])
        for start in range(len(value) - size, at - 1, -1):
            if run.match(value, start):
                return start + size
        return None


def _runs(text: str) -> list[list[str]]:
    runs: list[list[str]] = [[]]
    letters = iter(text)
    for char in letters:
        if char == "*":
            runs.append([])
        elif char == "?":
            runs[-1].append(_ANY)
        elif char == "\\":
            runs[-1].append(_escaped(next(letters, "")))
        else:
            runs[-1].append(char)
    return runs


def _escaped(char: str) -> str:
    if not char or char not in "}/*?\\":
        raise Invalid("in a pattern, {escape} stands before one of {chars}", escape="\\", chars="* ? \\ / }")
    return char


def _compile(run: list[str]) -> re.Pattern[str]:
    return re.compile("".join(re.escape(char) if char else "." for char in run), re.DOTALL)
