"""A term: its names in both languages, what it is, and what to look at with it."""

from __future__ import annotations

from typing import NamedTuple

from capas.dockerfile.meaning.sentence import Sentence


class Term(NamedTuple):
    """`names` are English, `spanish` the same in Spanish, the usual one first; `drawing` names one of `drawings`."""

    names: tuple[str, ...]
    spanish: tuple[str, ...]
    says: tuple[Sentence, ...]
    drawing: str = ""
    see: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is usually called in English."""
        return self.names[0]

    def name_in(self, language: str) -> str:
        """What it is usually called in this language."""
        return self.spanish[0] if language == "es" and self.spanish else self.names[0]


def term(
    names: str, spanish: str, *says: Sentence, drawing: str = "", see: str = "", examples: tuple[str, ...] = ()
) -> Term:
    """A term; names and what to see are words between commas."""
    return Term(_cut(names), _cut(spanish), says, drawing, _cut(see), examples)


def _cut(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
