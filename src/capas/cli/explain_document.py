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

Document = dict[str, object]


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


def _line(line: Explained, source: Source, cost: StepCost | None, language: str) -> Document:
    place = line.position
    advice = [advice for finding in line.findings if (advice := advice_of(finding)) is not None]
    return {
        "line": place.line,
        "endLine": place.end_line,
        "instruction": line.instruction,
        "source": "\n".join(source.lines[place.line - 1 : place.end_line]),
        "does": [write(sentence, language) for sentence in line.does],
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
