"""What is explained, in parts that a document has: titles, sources and sentences, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from capas.cli.explain_page import cost_of, risk_of, said_once
from capas.cli.explain_words import layer_of
from capas.dockerfile.meaning.faults import advice_of, reason_of
from capas.dockerfile.meaning.sentence import Sentence, Span, iter_spans, told
from capas.language import translate
from capas.printable import printable

if TYPE_CHECKING:
    from capas.dockerfile.checks.finding import Finding
    from capas.engine.explaining import ExplainedFile
    from capas.look.explaining import ExplainedImage, ExplainedStep
    from capas.look.terms.explained import ExplainedTerm


class Item(NamedTuple):
    """A sentence, with a word of ours before it or none."""

    label: str
    spans: tuple[Span, ...]


class Part(NamedTuple):
    """A title of a level (1 is the whole, 0 none), lines of a file or a drawing, and what is said of them."""

    level: int = 0
    title: Span = Span("")
    source: tuple[str, ...] = ()
    kind: str = "dockerfile"
    items: tuple[Item, ...] = ()


def parts_of(found: ExplainedFile | ExplainedImage | ExplainedTerm | None, language: str) -> Iterator[Part]:
    """The parts of what was asked for; of nothing, the words."""
    from capas.engine.explaining import ExplainedFile
    from capas.look.explaining import ExplainedImage

    if found is None:
        return _terms(language)
    if isinstance(found, ExplainedFile):
        return _file(found, language)
    return _image(found, language) if isinstance(found, ExplainedImage) else _term(found, language)


def _file(file: ExplainedFile, language: str) -> Iterator[Part]:
    explanation = file.explanation
    summary = (*explanation.summary, *([file.built] if file.built else []))
    yield Part(1, Span(printable(explanation.source.name), own=True), items=_items(summary, language))
    for line in said_once(explanation.lines):
        lines = explanation.source.lines[line.position.line - 1 : line.position.end_line]
        items = [*_items((*line.does, *line.form), language), *_labelled("why", [line.why], language)]
        if line.position.line in file.costs:
            items += _labelled("cost", [cost_of(file.costs[line.position.line])], language)
        items += _labelled("beware", line.risks, language)
        for finding in line.findings:
            items += _finding(finding, language)
        yield Part(source=tuple(map(printable, lines)), items=tuple(items))


def _finding(finding: Finding, language: str) -> Iterator[Item]:
    yield from _labelled("risk", [risk_of(finding)], language)
    yield from _items([reason_of(finding)], language)
    yield from _labelled("better", [advice_of(finding)], language)


def _image(image: ExplainedImage, language: str) -> Iterator[Part]:
    yield Part(1, Span(printable(image.name), own=True), items=_items(image.summary, language))
    yield Part(2, Span(translate("How sure this is", language)), items=_items(image.sure, language))
    for step in image.steps:
        yield _step(step, language)


def _step(step: ExplainedStep, language: str) -> Part:
    items = [*_items(step.past.does, language), *_labelled("why", [step.past.why], language)]
    items += [*_labelled("layer", [layer_of(step)], language), *_labelled("beware", step.past.risks, language)]
    lines = (step.past.line or step.step.words).split("\n")
    return Part(source=tuple(map(printable, lines)), items=tuple(items))


def _term(explained: ExplainedTerm, language: str) -> Iterator[Part]:
    yield Part(1, Span(explained.term.name_in(language)), items=_items(explained.term.says, language))
    if explained.drawing:
        of = told("Drawn from {image}, the largest image here:", image=explained.of)
        if explained.of:
            yield Part(items=_items([of], language))
        yield Part(source=tuple(map(printable, explained.drawing)), kind="text")
    for example in explained.examples:
        yield Part(source=tuple(example.line.split("\n")), items=_items(example.does, language))


def _terms(language: str) -> Iterator[Part]:
    from capas.look.terms.glossary import TERMS

    for term in TERMS:
        yield Part(2, Span(term.name_in(language)), items=_items(term.says[:1], language))


def _items(sentences: Iterable[Sentence], language: str) -> tuple[Item, ...]:
    return tuple(Item("", tuple(iter_spans(sentence, language))) for sentence in sentences)


def _labelled(label: str, sentences: Iterable[Sentence | None], language: str) -> Iterator[Item]:
    for sentence in sentences:
        if sentence is not None:
            yield Item(translate(label, language), tuple(iter_spans(sentence, language)))
