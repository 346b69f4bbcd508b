"""Images and terms explained, as pages of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capas.cli.explain_page import Page
from capas.cli.paragraphs import wrap
from capas.dockerfile.meaning.sentence import Listed, Plain, Sentence, Size, iter_spans, told
from capas.language import translate
from capas.printable import cut, printable

if TYPE_CHECKING:
    from capas.engine.explaining import ExplainedFile
    from capas.look.explaining import ExplainedImage, ExplainedStep
    from capas.look.terms.explained import ExplainedTerm


def lines_of(page: Page, found: ExplainedFile | ExplainedImage | ExplainedTerm | None) -> Iterator[str]:
    """The page of what was asked for; of nothing, the words."""
    from capas.engine.explaining import ExplainedFile
    from capas.look.explaining import ExplainedImage

    if found is None:
        return list_lines(page)
    if isinstance(found, ExplainedFile):
        return page.file(found)
    return image_lines(page, found) if isinstance(found, ExplainedImage) else term_lines(page, found)


def image_lines(page: Page, image: ExplainedImage) -> Iterator[str]:
    """What an image is, then each step of its history with its layer."""
    yield page.look.strong(printable(image.name))
    for sentence in image.summary:
        yield from page.item(sentence, "  ")
    yield ""
    yield page.look.strong(translate("How sure this is", page.language))
    for sentence in image.sure:
        yield from page.item(sentence, "  ")
    width = len(str(len(image.steps)))
    for step in image.steps:
        yield ""
        yield from _step(page, step, width)


def _step(page: Page, step: ExplainedStep, width: int) -> Iterator[str]:
    text = cut(printable(step.past.line or step.step.words), page.look.width - width - 3)
    yield f"{page.look.faint(f'{step.step.number:>{width}} │')} {page.look.strong(text)}".rstrip()
    for place, sentence in enumerate(step.past.does):
        yield from page.item(sentence, "    ") if place else page.sentence(sentence, "    ")
    if step.past.why is not None:
        yield from page.labelled(translate("why", page.language), step.past.why, "green")
    layer = layer_of(step)
    if layer is not None:
        yield from page.labelled(translate("layer", page.language), layer, "magenta")
    for risk in step.past.risks:
        yield from page.labelled(translate("beware", page.language), risk, "yellow")


def layer_of(step: ExplainedStep) -> Sentence | None:
    """The layer that a step made; None for a step without one."""
    if step.step.digest is None:
        return None
    return told("{digest}, {size} to pull", digest=Plain(step.step.digest.short), size=Size(step.step.size))


def term_lines(page: Page, explained: ExplainedTerm) -> Iterator[str]:
    """What a word means, its drawing, examples, and what to look at next."""
    yield page.look.strong(explained.term.name_in(page.language))
    for sentence in explained.term.says:
        yield from page.item(sentence, "  ")
    if explained.drawing:
        yield ""
        if explained.of:
            yield from page.sentence(told("Drawn from {image}, the largest image here:", image=explained.of), "  ")
        for line in explained.drawing:
            yield printable(line)[: page.look.width]
    for example in explained.examples:
        yield ""
        yield from (page.look.strong("  " + line) for line in example.line.split("\n"))
        for sentence in example.does:
            yield from page.item(sentence, "    ")
    if explained.see:
        yield ""
        names = tuple(term.name_in(page.language) for term in explained.see)
        yield from page.sentence(told("`capas explain` also knows {names}", names=Listed(names)), "  ")


def list_lines(page: Page) -> Iterator[str]:
    """Every word that can be explained, a line each."""
    from capas.look.terms.glossary import TERMS

    ways = (
        told("`capas explain FILE` (or a directory) explains a Dockerfile, line by line"),
        told("`capas explain IMAGE` explains an image: what it runs, and what each step of its making did"),
        told("`capas explain WORD` explains one of these words:"),
    )
    for sentence in ways:
        yield from page.sentence(sentence, "")
    yield ""
    width = max(len(term.name_in(page.language)) for term in TERMS)
    for term in TERMS:
        name = term.name_in(page.language)
        first = f"  {page.look.code(f'{name:<{width}}')}  "
        yield from wrap(page.look, iter_spans(term.says[0], page.language), " " * (width + 4), first)
