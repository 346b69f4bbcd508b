"""Paragraphs: sentences broken into lines of a terminal, the reader's own words in colour."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from shutil import get_terminal_size
from typing import NamedTuple

import click

from capas.dockerfile.meaning.sentence import Span, iter_pieces
from capas.printable import printable

_NARROWEST = 20


class Look(NamedTuple):
    """How wide lines are and whether colours are seen; without them the reader's words stand between backticks."""

    width: int
    coloured: bool

    def code(self, text: str) -> str:
        """A word of the reader's."""
        return click.style(text, fg="cyan") if self.coloured else text

    def strong(self, text: str) -> str:
        """A heading."""
        return click.style(text, bold=True) if self.coloured else text

    def faint(self, text: str) -> str:
        """What is beside the point."""
        return click.style(text, dim=True) if self.coloured else text

    def mark(self, text: str, colour: str) -> str:
        """A word in a colour."""
        return click.style(text, fg=colour, bold=True) if self.coloured else text


def find_look(environ: Mapping[str, str]) -> Look:
    """That of standard output: a terminal's own width, else 80 columns and no colour (nor with NO_COLOR)."""
    if not sys.stdout.isatty():
        return Look(80, False)
    plain = environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
    return Look(max(get_terminal_size().columns, _NARROWEST), not plain)


def wrap(look: Look, spans: Iterable[Span], indent: str, first: str, taken: int = 0) -> Iterator[str]:
    """The lines of a sentence: `first` begins the first, `indent` the others.

    `taken`: the columns that `first` has on screen, where it is not as wide as `indent`.
    """
    room = max(look.width - len(indent), _NARROWEST // 2)
    line: list[str] = []
    length = max(taken - len(indent), 0)
    start = first
    for word in _words(look, spans):
        for part in _fit(word, room):
            size = sum(len(text) for text, _ in part)
            if line and length + 1 + size > room:
                yield start + " ".join(line)
                line, length, start = [], 0, indent
            length += size + (1 if line else 0)
            line.append("".join(look.code(text) if own else text for text, own in part))
    if line:
        yield start + " ".join(line)


Word = Sequence[tuple[str, bool]]


def _words(look: Look, spans: Iterable[Span]) -> Iterator[Word]:
    """Words are cut at blanks, and keep their colours: `(`--chown`)` is one of three pieces."""
    word: list[tuple[str, bool]] = []
    for text, own in _pieces(look, spans):
        for place, part in enumerate(text.split(" ")):
            if place and word:
                yield word
                word = []
            if part:
                word.append((part, own))
    if word:
        yield word


def _pieces(look: Look, spans: Iterable[Span]) -> Iterator[tuple[str, bool]]:
    mark = "" if look.coloured else "`"
    for text, is_code in iter_pieces(spans):
        tame = printable(text)
        yield (f"{mark}{tame}{mark}" if is_code else tame), is_code


def _fit(word: Word, room: int) -> Iterator[Word]:
    """A word that is longer than a line, in pieces as long as one."""
    part: list[tuple[str, bool]] = []
    left = room
    for text, own in word:
        while len(text) > left:
            part.append((text[:left], own))
            yield part
            text, part, left = text[left:], [], room
        if text:
            part.append((text, own))
            left -= len(text)
    if part:
        yield part
