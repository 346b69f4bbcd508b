"""Positions: where in a Dockerfile a thing was written, and how to show it."""

from __future__ import annotations

from typing import NamedTuple

_WIDEST = 160


class Position(NamedTuple):
    """A range of the source: lines and columns count from 1, the end column is the one after the last character."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def at(cls, line: int, column: int, length: int = 1) -> Position:
        """A range inside one line."""
        return cls(line, column, line, column + length)

    def to(self, other: Position) -> Position:
        """From the start of this one to the end of the other."""
        return Position(self.line, self.column, other.end_line, other.end_column)

    def __str__(self) -> str:
        return str(self.line) if self.end_line == self.line else f"{self.line}-{self.end_line}"


NOWHERE = Position(0, 0, 0, 0)
"""The position of what no file holds: an instruction from ONBUILD or from `commit --change`."""


def draw_excerpt(line_text: str, position: Position, widest: int = _WIDEST) -> str:
    """The source line with a caret under the range; a line longer than `widest` is cut around it.

    >>> print(draw_excerpt("RUNN true", Position.at(3, 1, 4)))
    3 | RUNN true
      | ^^^^
    """
    start = max(position.column - 1, 0)
    width = position.end_column - position.column if position.end_line == position.line else len(line_text) - start
    cut = max(start - widest // 2, 0)
    shown = line_text[cut : cut + widest].replace("\t", " ")
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
    carets = "^" * max(1, min(width, len(shown) - (start - cut)))
    number = str(position.line)
    return f"{number} | {shown}\n{' ' * len(number)} | {' ' * (start - cut)}{carets}"
