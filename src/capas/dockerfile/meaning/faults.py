"""Faults: what a check found, as sentences beside ours."""

from __future__ import annotations

from capas.dockerfile.checks.finding import Finding
from capas.dockerfile.meaning.sentence import Fact, Plain, Sentence

_WORDY = frozenset({"problem", "advice", "why"})


def problem_of(finding: Finding) -> Sentence:
    """What is there."""
    return _sentence(finding.message, finding)


def advice_of(finding: Finding) -> Sentence | None:
    """What to write instead; None where a person has to think."""
    return _sentence(finding.advice, finding) if finding.advice and finding.hint else None


def reason_of(finding: Finding) -> Sentence:
    """Why it is a fault."""
    return Sentence(finding.rule.why)


def _sentence(template: str, finding: Finding) -> Sentence:
    facts: dict[str, Fact] = {
        name: Sentence(_literal(str(fact))) if name in _WORDY else Plain(fact) for name, fact in finding.facts.items()
    }
    return Sentence(template, facts)


def _literal(text: str) -> str:
    """A text of ours that has its facts in it already."""
    return text.replace("{", "{{").replace("}", "}}")
