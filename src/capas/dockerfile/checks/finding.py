"""A finding: a rule, the place where it was broken, what is there, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from capas.dockerfile.checks.rule import Rule
from capas.dockerfile.position import Position
from capas.errors import fill


class Edit(NamedTuple):
    """A range of the source and the text to put there."""

    position: Position
    text: str


class Finding(NamedTuple):
    """`message` says what is there, `advice` how to mend it: templates over `facts`, so that they can be translated.

    `edits` mend it without changing what is built; where there are none, a person has to decide.
    """

    rule: Rule
    position: Position
    message: str
    facts: Mapping[str, object]
    advice: str = ""
    edits: tuple[Edit, ...] = ()

    def __str__(self) -> str:
        return fill(self.message, dict(self.facts))

    @property
    def hint(self) -> str:
        """How to mend it."""
        return fill(self.advice, dict(self.facts))


def note(
    rule: Rule, position: Position, message: str, *, hint: str = "", edits: Iterable[Edit] = (), **facts: object
) -> Finding:
    """A finding, its facts given by name."""
    return Finding(rule, position, message, facts, hint, tuple(edits))
