"""The lexer: a Dockerfile's text to logical lines, with directives read and heredocs gathered.

Order: linear in the size of the text. Spec: Dockerfile reference, "Format", "Parser directives", "Here-documents".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from capas.dockerfile.heredoc import list_heredocs
from capas.dockerfile.instructions import Heredoc
from capas.dockerfile.position import Position
from capas.dockerfile.source import Source, suggest
from capas.dockerfile.words import find_json, split_flags
from capas.errors import CapasError, Invalid, Unsupported

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S(?:.*\S)?)\s*")
_DIRECTIVES = ("syntax", "escape", "check")
_FRONTEND = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?"
    r"(?::(?:1(?:\.[0-9]+){0,2}(?:-[a-z0-9.-]+)?|labs|latest|stable|master(?:-labs)?|experimental|nightly))?"
    r"(?:@sha256:[0-9a-f]{64})?"
)
BUILT_IN = "dockerfile.v0"
"""What BUILDKIT_SYNTAX calls the reader that comes with the builder."""
_WITH_HEREDOCS = frozenset({"run", "copy", "add"})


class Line(NamedTuple):
    """One instruction's text as a single line, and where each piece of it was written."""

    text: str
    source: Source
    escape: str
    pieces: tuple[tuple[int, int, int], ...]  # offset in text, line, column
    last_line: int  # where the instruction ends, its heredocs with it
    heredocs: tuple[Heredoc, ...] = ()

    @property
    def position(self) -> Position:
        """Where the whole instruction stands."""
        _, line, column = self.pieces[0]
        return Position(line, column, self.last_line, len(self.source.lines[self.last_line - 1]) + 1)

    def at(self, start: int, end: int) -> Position:
        """Where a range of the text was written."""
        return self._place(start).to(self._place(max(end - 1, start)))

    def fault(
        self, problem: str, start: int = 0, end: int | None = None, *, hint: str = "", **facts: object
    ) -> Invalid:
        """An error that points at a range of the text (the whole of it by default)."""
        return self.source.fault(problem, self.at(start, len(self.text) if end is None else end), hint, **facts)

    def _place(self, offset: int) -> Position:
        piece = self.pieces[bisect_right(self.pieces, offset, key=lambda piece: piece[0]) - 1]
        return Position.at(piece[1], piece[2] + offset - piece[0])


class Lexed(NamedTuple):
    """A whole file: its logical lines and its directives, in order."""

    lines: tuple[Line, ...]
    directives: tuple[tuple[str, str], ...]
    escape: str
    source: Source


def lex(text: str, name: str, *, syntax: str = "") -> Lexed:
    """Cut a Dockerfile into logical lines. `syntax` is the frontend that was chosen outside: the file's own is ignored.

    Raises: Invalid for a NUL, a directive twice or with a wrong value, a heredoc without its end; Unsupported for a
        `syntax` that is another language (nothing is ever fetched).
    """
    rows = text.removeprefix("\N{BYTE ORDER MARK}").split("\n")
    source = Source(name, tuple(row.removesuffix("\r") for row in rows))
    for number, row in enumerate(source.lines, 1):
        if "\0" in row:
            raise source.fault("a NUL byte cannot stand in a Dockerfile", Position.at(number, row.index("\0") + 1))
    directives = tuple(_directives(source, syntax))
    escape = dict(directives).get("escape", "\\")
    return Lexed(tuple(_Lexer(source, rows, escape).lines()), directives, escape, source)


def _directives(source: Source, syntax: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for number, row in enumerate(source.lines, 1):
        if number == 1 and row.startswith("#!"):
            continue
        found = _DIRECTIVE.fullmatch(row) if row.startswith("#") else None
        if found is None or found[1].lower() not in _DIRECTIVES:
            return
        key, value = found[1].lower(), found[2]
        position = Position.at(number, 1, len(row))
        if key in seen:
            raise source.fault("only one {key} directive can be used", position, key=key)
        seen.add(key)
        if key == "escape" and value not in ("\\", "`"):
            raise source.fault("the escape directive must be \\ or `", position)
        if key == "syntax" and not syntax:
            try:
                check_frontend(value)
            except CapasError as error:
                raise source.locate(error, position) from None
        yield key, value


def check_frontend(syntax: str) -> None:
    """Raises: Unsupported for a frontend that is not docker's own, of major version 1: none is ever fetched or run."""
    if syntax == BUILT_IN or _FRONTEND.fullmatch(syntax):
        return
    meant = suggest(syntax.partition(":")[0], ("docker/dockerfile", "docker/dockerfile-upstream"))
    raise Unsupported(
        "the syntax {syntax!r} is another language: only docker/dockerfile is read, no frontend image is ever run",
        syntax=syntax[:100],
        hint="did you mean {meant}?" if meant else "remove the line, or write # syntax=docker/dockerfile:1",
        meant=f"{meant}:1",
    )


class _Lexer:
    """Walks the rows once."""

    def __init__(self, source: Source, rows: list[str], escape: str) -> None:
        self._source = source
        self._rows = rows
        self._escape = escape
        self._row = 0

    def lines(self) -> Iterator[Line]:
        """The logical lines, comments and blank ones left out."""
        while self._row < len(self._rows):
            line = self._line()
            if line is not None:
                yield line

    def _line(self) -> Line | None:
        first = self._take()
        text = first.lstrip()
        if not text or text.startswith("#"):
            return None
        pieces = [(0, self._row, len(first) - len(text) + 1)]
        text, more = self._continued(text)
        parts, length = [text], len(text)
        while more and self._row < len(self._rows):
            row = self._take()
            if not (bare := row.lstrip()) or bare.startswith("#"):
                continue
            row, more = self._continued(row)
            pieces.append((length, self._row, 1))
            parts.append(row)
            length += len(row)
        whole = "".join(parts).rstrip()
        if not whole:
            return None
        line = Line(whole, self._source, self._escape, tuple(pieces), self._row)
        return self._with_heredocs(line)

    def _take(self) -> str:
        self._row += 1
        return self._source.lines[self._row - 1]

    def _continued(self, row: str) -> tuple[str, bool]:
        """The row without its continuation mark, and whether it had one: two escapes are no mark."""
        bare = row.rstrip(" \t")
        if not bare.endswith(self._escape) or bare.endswith(self._escape * 2):
            return row, False
        return bare[:-1], True

    def _with_heredocs(self, line: Line) -> Line:
        if "<<" not in line.text or not _may_have_heredocs(line.text):
            return line
        docs = tuple(self._heredoc(line, doc) for doc in list_heredocs(line.text))
        return line._replace(heredocs=docs, last_line=self._row)

    def _heredoc(self, line: Line, doc: Heredoc) -> Heredoc:
        start = self._row
        while self._row < len(self._rows):
            row = self._take()
            if (row.lstrip("\t") if doc.chomp else row) == doc.name:
                content = "".join(f"{row}\n" for row in self._rows[start : self._row - 1])
                return doc._replace(content=content, position=Position(start + 1, 1, self._row, len(row) + 1))
        at = line.text.find("<<")
        raise line.fault(
            "the heredoc {name} never ends", at, hint="write {name} alone on the line after its last one", name=doc.name
        )


def _may_have_heredocs(text: str) -> bool:
    """Whether the instruction is one of those that read heredocs, and not in its JSON form."""
    words = text.split(None, 2)
    depth = 1 if words[0].lower() == "onbuild" else 0
    if len(words) <= depth + 1 or words[depth].lower() not in _WITH_HEREDOCS:
        return False
    rest = text.split(None, depth + 1)[depth + 1]
    _, at = split_flags(rest)
    try:
        return find_json(rest[at:]) is None
    except CapasError:
        return False
