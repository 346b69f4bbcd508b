"""A Dockerfile's explanation as text, to look for words in it."""

from __future__ import annotations

from capas.dockerfile.meaning.explaining import Explained, explain_dockerfile
from capas.dockerfile.meaning.sentence import write


def say(line: Explained, language: str = "en") -> str:
    """All that is said of some lines, a sentence a row; the checks' findings left out."""
    sentences = [*line.does, *line.form, *([line.why] if line.why else []), *line.risks]
    return "\n".join(write(sentence, language) for sentence in sentences)


def explain(text: str, language: str = "en") -> str:
    """All that is said of a Dockerfile, its summary first."""
    explanation = explain_dockerfile(text)
    summary = [write(sentence, language) for sentence in explanation.summary]
    return "\n".join([*summary, *(say(line, language) for line in explanation.lines)])


def explain_last(text: str, language: str = "en") -> str:
    """What is said of the last instruction."""
    return say(explain_dockerfile(text).lines[-1], language)
