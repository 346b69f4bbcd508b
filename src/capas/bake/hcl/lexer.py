"""The lexer: HCL text to tokens, templates and heredocs with it. Order: linear in the size of the text.

Spec: HCL Native Syntax Specification, "Lexical Elements", "Template Expressions".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from capas.bake.hcl.layout import flush, trim
from capas.bake.hcl.token import Token
from capas.dockerfile.position import Position
from capas.dockerfile.source import Source
from capas.errors import Invalid

_CODE = re.compile(
    r"(?P<space>[ \t\r]+|/\*.*?\*/)"
    r"|(?P<newline>\n|(?:#|//)[^\n]*(?:\n|\Z))"
    r"|(?P<heredoc><<(?P<flush>-?)(?P<mark>[A-Za-z_][\w-]*)\r?\n)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d][\w-]*)"
    r'|(?P<quote>")'
    r"|(?P<tilde>~\})"
    r"|(?P<operator>==|!=|<=|>=|&&|\|\||=>|\.\.\.|::|[-+*/%<>!?:=.,()\[\]{}])",
    re.DOTALL,
)
_TEXT = re.compile(r"(?:\$\$\{|%%\{|[^\"\\$%\n]|\\.|\$(?!\{)|%(?!\{))+")
_LINE = r"(?:\$\$\{|%%\{|[^$%\n]|\$(?!\{)|%(?!\{))"
_HEREDOC_TEXT = re.compile(rf"{_LINE}*\n|{_LINE}+")
_OPEN = re.compile(r"([$%])\{(~?)")


class Lexer:
    """The tokens of one file."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.source = Source(name, tuple(text.splitlines()))
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._at = 0

    def tokens(self) -> list[Token]:
        """All of them, and "eof". Raises: Invalid, pointing at what is no HCL."""
        found = list(self._code(len(self.text), nested=False))
        return [*found, Token("eof", "", len(self.text), len(self.text))]

    def template(self) -> list[Token]:
        """The whole text as a template without quotes: how JSON holds them."""
        found = trim(list(self._template(_HEREDOC_TEXT, len(self.text))))
        return [*found, Token("end", "", len(self.text), len(self.text))]

    def place(self, start: int, end: int) -> Position:
        """Where a range of the text stands."""
        line, last = bisect_right(self._lines, start), bisect_right(self._lines, max(end - 1, start))
        return Position(line, start - self._lines[line - 1] + 1, last, max(end, start + 1) - self._lines[last - 1] + 1)

    def fault(self, problem: str, start: int, end: int = 0, hint: str = "") -> Invalid:
        """An error that points at a range of the text."""
        return self.source.fault(problem, self.place(start, max(end, start + 1)), hint)

    def _code(self, end: int, *, nested: bool) -> Iterator[Token]:
        """Tokens up to `end`; `nested`, up to the bracket that closes a template's expression, which is taken too."""
        depth = 0
        while self._at < end:
            match = _CODE.match(self.text, self._at, end)
            if match is None:
                raise self.fault("this is no HCL", self._at)
            kind, text, start = match.lastgroup or "", match[0], self._at
            self._at = match.end()
            if nested and depth == 0 and text in ("}", "~}"):
                yield Token("}", text, start, self._at)
                return
            depth += (text == "{") - (text == "}")
            if kind == "quote":
                yield from self._quoted(start, end)
            elif kind == "heredoc":
                yield from self._heredoc(match, end)
            elif kind == "tilde":
                raise self.fault("~} ends no template here", start)
            elif kind != "space":
                yield Token(text if kind == "operator" else kind, text, start, self._at)
        if nested:
            raise self.fault("the template's expression is not closed: } is missing", max(end - 1, 0))

    def _quoted(self, start: int, end: int) -> Iterator[Token]:
        yield Token('"', '"', start, self._at)
        yield from trim(list(self._template(_TEXT, end)))
        if self._at >= end or self.text[self._at] != '"':
            raise self.fault(
                "the text is not closed: a quote is missing", start, hint="longer texts are heredocs: <<EOT"
            )
        self._at += 1
        yield Token("end", '"', self._at - 1, self._at)

    def _heredoc(self, match: re.Match[str], end: int) -> Iterator[Token]:
        closing = re.compile(rf"^[ \t]*{re.escape(match['mark'])}[ \t\r]*$", re.MULTILINE).search(
            self.text, self._at, end
        )
        if closing is None:
            raise self.fault("the heredoc is not closed: its mark does not stand alone on a line", match.start())
        yield Token("heredoc", match["flush"], match.start(), match.end())
        tokens = trim(list(self._template(_HEREDOC_TEXT, closing.start())))
        yield from flush(tokens) if match["flush"] else tokens
        yield Token("end", match["mark"], closing.start(), closing.end())
        self._at = closing.end()

    def _template(self, text: re.Pattern[str], end: int) -> Iterator[Token]:
        """Raw texts and expressions, up to `end` or what ends the template."""
        while self._at < end:
            start = self._at
            opened = _OPEN.match(self.text, start, end)
            if opened is not None:
                self._at = opened.end()
                yield Token(f"{opened[1]}{{", opened[0], start, self._at)
                yield from self._code(end, nested=True)
                continue
            found = text.match(self.text, start, end)
            if found is None:
                return
            self._at = found.end()
            yield Token("text", found[0], start, self._at)
