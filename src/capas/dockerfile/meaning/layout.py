"""Layout: what the way an instruction is written says — over several lines, in lower case, as Windows writes files."""

from __future__ import annotations

from collections.abc import Iterator

from capas.dockerfile.meaning.sentence import Sentence, told
from capas.dockerfile.request import Request

_MARK = "\N{BYTE ORDER MARK}"


def explain_layout(request: Request) -> Iterator[Sentence]:
    """How the instruction is laid out, where that is not plain."""
    line = request.line
    first, last = line.position.line, line.pieces[-1][1]
    if len(line.pieces) > 1:
        yield told(
            "{sign} at the end of a line joins it to the next: all of them are one instruction", sign=line.escape
        )
        between = [line.source.lines[row - 1].strip() for row in range(first + 1, last)]
        if any(row.startswith("#") for row in between):
            yield told("The comments between its lines are no part of it")
        if "" in between:
            yield told("The empty lines between its lines are left out; docker warns of them")
    if request.keyword.text != request.name:
        yield told("{word} in capitals is the custom: {name}; builders take any case", word=request.keyword.text,
                   name=request.name)  # fmt: skip


def explain_file_layout(text: str) -> Iterator[Sentence]:
    """What is odd about the whole file, and means nothing."""
    if text.startswith(_MARK):
        yield told("The file begins with a byte order mark, as editors of Windows write it; builders skip it")
    if "\r\n" in text:
        yield told("Its lines end with CRLF, as Windows writes them; builders skip the CR, but not inside heredocs")
