"""The source: a Dockerfile's lines, kept so that an error can point into them."""

from __future__ import annotations

import re
from typing import NamedTuple

from capas.dockerfile.position import Position, draw_excerpt
from capas.errors import CapasError, Invalid, Told


class Source(NamedTuple):
    """The name of a Dockerfile and its lines, without their ends."""

    name: str = "Dockerfile"
    lines: tuple[str, ...] = ()

    def fault(self, problem: str, position: Position, hint: str = "", **facts: object) -> Invalid:
        """An error that names the line and the column and shows them. The facts fill the problem and the hint."""
        told = {"problem": _told(problem, facts), "advice": _told(hint, facts)}
        return Invalid(_MESSAGE, hint="{advice}", **told, **self._place(position))

    def locate(self, error: CapasError, position: Position) -> CapasError:
        """The same error, of the same kind, with the place it comes from; an error that has one keeps it."""
        if "excerpt" in error.facts or not position.line:
            return error
        facts = {**error.facts, **self._place(position), **error.as_facts()}
        return type(error)(_MESSAGE, hint="{advice}", **facts)

    def _place(self, position: Position) -> dict[str, object]:
        known = 0 < position.line <= len(self.lines)
        return {
            "dockerfile": self.name,
            "line": position.line,
            "column": position.column,
            "end_line": position.end_line,
            "end_column": position.end_column,
            "excerpt": draw_excerpt(_hide(self.lines[position.line - 1]), position) if known else "",
        }


def _told(text: str, facts: dict[str, object]) -> Told:
    return text if isinstance(text, Told) else Told(text, facts)


def _hide(line: str) -> str:
    """The line with the user and password of every address in it made unreadable, nothing moved."""
    return _LOGIN.sub(lambda found: found[1] + "*" * len(found[2]) + "@", line)


_LOGIN = re.compile(r"(://)([^/\s]*)@")  # begins with what is rare: no long word is tried at each of its letters
_MESSAGE = "{dockerfile}:{line}:{column}: {problem}\n{excerpt}"


def suggest(word: str, known: tuple[str, ...]) -> str:
    """The known word that was probably meant, or "" where none is near."""
    import difflib  # only for errors: it is slow to import

    if not word or len(word) > 40:
        return ""
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), list(folded), n=1, cutoff=0.5)
    return folded[near[0]] if near else ""
