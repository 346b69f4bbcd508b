"""Sentences: a text of ours and the reader's own things that fill it, apart until a language is chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from string import Formatter
from typing import NamedTuple, TypeAlias

from capas.language import translate, write_bytes

_PIECE = re.compile(r"`[^`]*`|[^`]+|`")
_LONGEST = 120
_MOST = 12


class Plain(str):
    """A fact that is no name of the reader's: a size, a time."""

    __slots__ = ()


class Size(int):
    """A fact that is so many bytes."""


class Listed(NamedTuple):
    """Facts in a row: `a, b and c`."""

    items: tuple[Fact, ...]


class Sentence(NamedTuple):
    """A text with `{names}`, and what they stand for. A `str` is the reader's own: an image, a path, a command."""

    template: str
    facts: Mapping[str, Fact] = {}

    def __str__(self) -> str:
        return write(self)


Fact: TypeAlias = "str | int | Plain | Size | Listed | Sentence"


class Span(NamedTuple):
    """A piece of a sentence. `own`: it is the reader's word, not ours."""

    text: str
    own: bool = False


class Risk(NamedTuple):
    """What can go wrong."""

    problem: Sentence


def told(template: str, /, **facts: Fact) -> Sentence:
    """A sentence."""
    return Sentence(template, facts)


def counted(one: str, many: str, /, items: Iterable[str], **facts: Fact) -> Sentence:
    """A sentence over `{items}`, in the form for one or for several."""
    found = tuple(items)
    return Sentence(one if len(found) == 1 else many, {**facts, "items": Listed(found)})


def beware(template: str, /, **facts: Fact) -> Risk:
    """What can go wrong, as a sentence."""
    return Risk(Sentence(template, facts))


def iter_spans(fact: Fact, language: str = "en") -> Iterator[Span]:
    """The pieces of a sentence in this language, in order."""
    if isinstance(fact, Sentence):
        in_code = False
        for text, name, _, _ in Formatter().parse(translate(fact.template, language)):
            if text:
                yield Span(text)
                in_code ^= text.count("`") % 2 == 1
            for span in iter_spans(fact.facts[name], language) if name is not None else ():
                yield Span(_tame(span.text)) if in_code else span
    elif isinstance(fact, Listed):
        yield from _row(fact.items, language)
    elif isinstance(fact, Size):
        yield Span(write_bytes(fact, language))
    elif isinstance(fact, Plain | int):
        yield Span(_tame(str(fact)))
    else:
        yield Span(shorten(fact), own=True)


def iter_pieces(spans: Iterable[Span]) -> Iterator[tuple[str, bool]]:
    """The same in pieces that are code or not: the reader's words, and what stands between backticks of ours."""
    for own, group in groupby(spans, key=lambda span: span.own):
        text = "".join(span.text for span in group)
        if own:
            yield text, True
            continue
        for piece in _PIECE.findall(text):
            is_code = len(piece) > 1 and piece.startswith("`")
            yield (piece[1:-1] if is_code else piece), is_code


def write(sentence: Sentence, language: str = "en") -> str:
    """The sentence as plain text, the reader's words between backticks."""
    return "".join(f"`{span.text}`" if span.own else span.text for span in iter_spans(sentence, language))


def shorten(text: str) -> str:
    """On one line, and not longer than a person reads: the middle goes."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST * 2 // 3]}…{line[-_LONGEST // 3 :]}"


def _tame(text: str) -> str:
    """What stands among our words, or between backticks of ours, has none of its own."""
    return text.replace("`", "'")


def _row(items: tuple[Fact, ...], language: str) -> Iterator[Span]:
    shown: tuple[Fact, ...] = items
    if len(items) > _MOST:
        shown = (*items[: _MOST - 1], told("{count} more", count=len(items) - _MOST + 1))
    for place, item in enumerate(shown):
        pieces = list(iter_spans(item, language))
        if place:
            yield Span(_link(language, pieces[0].text if pieces else "") if place == len(shown) - 1 else ", ")
        yield from pieces


def _link(language: str, following: str) -> str:
    """The `and` before the last of a row; Spanish has another one before the sound of an i."""
    text = following.lower()
    if language == "es" and text.startswith(("i", "hi")) and not text.startswith(("hie", "hia", "ia", "ie", "io")):
        return " e "
    return " " + translate("and", language) + " "
