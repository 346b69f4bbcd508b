"""What is explained, as JSON: the same sentences, and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capas.dockerfile.meaning.explaining import Explained
from capas.dockerfile.meaning.faults import advice_of, problem_of, reason_of
from capas.dockerfile.meaning.sentence import write

if TYPE_CHECKING:
    from capas.dockerfile.checks.finding import Finding
    from capas.dockerfile.source import Source
    from capas.engine.costs import StepCost
    from capas.engine.explaining import ExplainedFile
    from capas.look.explaining import ExplainedImage
    from capas.look.terms.explained import ExplainedTerm

Document = dict[str, object]


def document_of(
    found: ExplainedFile | ExplainedImage | ExplainedTerm | None, language: str
) -> Document | list[Document]:
    """What was asked for; of nothing, the words."""
    from capas.engine.explaining import ExplainedFile
    from capas.look.explaining import ExplainedImage

    if found is None:
        return terms_document(language)
    if isinstance(found, ExplainedFile):
        return file_document(found, language)
    return image_document(found, language) if isinstance(found, ExplainedImage) else term_document(found, language)


def file_document(file: ExplainedFile, language: str) -> Document:
    """A Dockerfile, a part for every instruction and comment."""
    explanation = file.explanation
    return {
        "file": explanation.source.name,
        "summary": [write(sentence, language) for sentence in explanation.summary],
        "lines": [
            _line(line, explanation.source, file.costs.get(line.position.line), language) for line in explanation.lines
        ],
    }


def image_document(image: ExplainedImage, language: str) -> Document:
    """An image, a part for every step of its history."""
    return {
        "image": image.name,
        "summary": [write(sentence, language) for sentence in image.summary],
        "sure": [write(sentence, language) for sentence in image.sure],
        "steps": [
            {
                "number": one.step.number,
                "instruction": one.step.instruction,
                "source": one.past.line,
                "does": [write(sentence, language) for sentence in one.past.does],
                "why": write(one.past.why, language) if one.past.why else None,
                "layer": one.step.digest,
                "bytes": one.step.size,
                "beware": [write(sentence, language) for sentence in one.past.risks],
            }
            for one in image.steps
        ],
    }


def term_document(explained: ExplainedTerm, language: str) -> Document:
    """A word."""
    return {
        "term": explained.term.name_in(language),
        "says": [write(sentence, language) for sentence in explained.term.says],
        "drawing": list(explained.drawing),
        "of": explained.of or None,
        "examples": [
            {"line": example.line, "does": [write(sentence, language) for sentence in example.does]}
            for example in explained.examples
        ],
        "see": [term.name_in(language) for term in explained.see],
    }


def terms_document(language: str) -> list[Document]:
    """Every word, with its first sentence."""
    from capas.look.terms.glossary import TERMS

    return [{"term": term.name_in(language), "says": write(term.says[0], language)} for term in TERMS]


def _line(line: Explained, source: Source, cost: StepCost | None, language: str) -> Document:
    place = line.position
    advice = [advice for finding in line.findings if (advice := advice_of(finding)) is not None]
    return {
        "line": place.line,
        "endLine": place.end_line,
        "instruction": line.instruction,
        "source": "\n".join(source.lines[place.line - 1 : place.end_line]),
        "does": [write(sentence, language) for sentence in line.does],
        "form": [write(sentence, language) for sentence in line.form],
        "why": write(line.why, language) if line.why else None,
        "cost": _cost(cost) if cost else None,
        "beware": [write(sentence, language) for sentence in line.risks],
        "risks": [_risk(finding, language) for finding in line.findings],
        "better": [write(sentence, language) for sentence in advice],
    }


def _cost(cost: StepCost) -> Document:
    return {
        "seconds": cost.seconds, "cached": cost.cached, "bytes": cost.size, "files": cost.files, "wasted": cost.waste,
    }  # fmt: skip


def _risk(finding: Finding, language: str) -> Document:
    return {
        "rule": finding.rule.name,
        "line": finding.position.line,
        "column": finding.position.column,
        "problem": write(problem_of(finding), language),
        "why": write(reason_of(finding), language),
    }
