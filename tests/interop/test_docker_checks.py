"""docker's own verdicts (docker 28.5.2, buildx 0.29.1) on Dockerfiles, recorded: ours are the same.

`docker_checks.json` holds for each text what `docker buildx build --call=check,format=json` said, with base images
that set nothing: rule, line and words.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from capas.dockerfile.checks.checking import find_all, list_options
from capas.dockerfile.checks.subject import BaseFacts, read_subject
from capas.dockerfile.ignore import parse_ignore

RECORDED: dict[str, list[tuple[str, int, str]]] = json.loads(Path(__file__).with_name("docker_checks.json").read_text())
# where docker stops at an error, and we go on: what it found until then is a part of what we find, or the error says it
STOPPED = ("VOLUME $f", "AS x${T}")


def ours(text: str) -> list[tuple[str, int, str]]:
    subject = read_subject(text, ignore=parse_ignore(""), find_base=lambda word: BaseFacts({}))
    found = find_all(subject, list_options(subject), only_docker=True)
    return sorted(_told(finding.rule.name, finding.position.line, str(finding)) for finding in found)


def _told(rule: str, line: int, words: str) -> tuple[str, int, str]:
    """Guesses are docker's and ours; an empty line is told where it is, not at its instruction's end."""
    return rule, 0 if rule == "NoEmptyContinuation" else line, re.sub(r" \(did you mean .*", "", words)


@pytest.mark.parametrize("text", [text for text in RECORDED if not any(mark in text for mark in STOPPED)])
def test_docker_finds_the_same(text: str) -> None:
    assert ours(text) == sorted(_told(*found) for found in RECORDED[text])


def test_where_docker_stops_at_an_error_we_find_at_least_as_much() -> None:
    (text,) = (text for text in RECORDED if STOPPED[0] in text)
    assert {_told(*found) for found in RECORDED[text]} <= set(ours(text))
