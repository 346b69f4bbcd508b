"""A term explained: its sentences, a drawing, and examples in the words that Dockerfiles are explained with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from capas.dockerfile.meaning.explaining import explain_dockerfile
from capas.dockerfile.meaning.sentence import Sentence
from capas.look.terms.drawings import draw, shows_image
from capas.look.terms.glossary import find_term
from capas.look.terms.own import EXAMPLE, Own
from capas.look.terms.term import Term


class Example(NamedTuple):
    """A line of a Dockerfile and what it does."""

    line: str
    does: tuple[Sentence, ...]


class ExplainedTerm(NamedTuple):
    """A term in words. `of`: the image that is drawn, "" where it is none of the reader's; `see`: related terms."""

    term: Term
    drawing: tuple[str, ...]
    of: str
    examples: tuple[Example, ...]
    see: tuple[Term, ...]


def explain_term(term: Term, own: Own | None, language: str) -> ExplainedTerm:
    """The term, drawn with an image of the reader's where there is one. Raises: NotFound, Corrupt of that image."""
    drawing = draw(term.drawing, own or EXAMPLE, language)
    related = [found for found in map(find_term, term.see) if found is not None]
    of = own.name if own is not None and shows_image(term.drawing) else ""
    return ExplainedTerm(term, tuple(drawing), of, tuple(_examples(term)), tuple(related))


def _examples(term: Term) -> Iterator[Example]:
    for line in term.examples:
        text = line if line.startswith("FROM") else f"FROM debian:12 AS build\nFROM debian:12\n{line}"
        yield Example(line, explain_dockerfile(text).lines[-1].does)
