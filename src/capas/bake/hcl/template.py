"""Templates: quoted texts and heredocs with `${…}` and `%{…}` in them.

Spec: HCL Native Syntax Specification, "Templates", "Template Literals", "Flush Heredocs".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from capas.bake.hcl.syntax import Conditional, Expression, For, Literal, Template
from capas.bake.hcl.token import Token
from capas.dockerfile.position import NOWHERE
from capas.errors import Invalid

if TYPE_CHECKING:
    from capas.bake.hcl.parser import Parser

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_DOUBLED = re.compile(r"([$%])\1\{")
_EMPTY = Literal(NOWHERE, "")  # beside it, an expression is text


def parse(parser: Parser, opening: Token) -> Expression:
    """The template whose opening token was just taken, up to its end. Raises: Invalid."""
    parts, _ = _Reader(parser, quoted=opening.kind == '"').parts(())
    return _joined(parts, parser, opening)


def parse_whole(parser: Parser) -> Expression:
    """All the tokens as one template without quotes, as JSON holds them. Raises: Invalid."""
    opening = parser.token
    parts, _ = _Reader(parser, quoted=False).parts(())
    return _joined(parts, parser, opening)


def _joined(parts: list[Expression], parser: Parser, opening: Token) -> Expression:
    at = parser.since(opening)
    texts = [part.value for part in parts if isinstance(part, Literal) and isinstance(part.value, str)]
    if len(texts) == len(parts):
        return Literal(at, "".join(texts))
    return Template(at, tuple(parts))


class _Reader:
    def __init__(self, parser: Parser, *, quoted: bool) -> None:
        self._parser = parser
        self._quoted = quoted

    def parts(self, closing: tuple[str, ...]) -> tuple[list[Expression], str]:
        """The parts up to the template's end, or to a directive of these words, which is taken up to its word."""
        parser, found = self._parser, list[Expression]()
        while True:
            token = parser.take()
            if token.kind == "end":
                if closing:
                    raise parser.fault("the template's %{ if } or %{ for } is not ended", token)
                return found, ""
            if token.kind == "text":
                found.append(self._text(token))
                continue
            parser.skip_lines()
            if token.kind == "${":
                found.append(parser.expression())
                self._close()
                continue
            word = parser.token.text
            if word in closing:
                parser.take()
                return found, word
            found.append(self._directive(word, token))

    def _directive(self, word: str, first: Token) -> Expression:
        if word == "if":
            return self._if(first)
        if word == "for":
            return self._for(first)
        raise self._parser.fault("this is neither if nor for")

    def _if(self, first: Token) -> Expression:
        parser = self._parser
        parser.take()
        condition = parser.expression()
        self._close()
        yes, word = self.parts(("else", "endif"))
        self._close()
        no: list[Expression] = []
        if word == "else":
            no, _ = self.parts(("endif",))
            self._close()
        at = parser.since(first)
        return Conditional(at, condition, Template(at, (_EMPTY, *yes)), Template(at, (_EMPTY, *no)))

    def _for(self, first: Token) -> Expression:
        parser = self._parser
        key_name, value_name, of = parser.for_intro()
        self._close()
        body, _ = self.parts(("endfor",))
        self._close()
        at = parser.since(first)
        return For(at, key_name, value_name, of, Template(at, (_EMPTY, *body)), text=True)

    def _close(self) -> None:
        self._parser.skip_lines()
        self._parser.expect("}", "} is missing")

    def _text(self, token: Token) -> Expression:
        text = _DOUBLED.sub(r"\1{", token.text)
        if self._quoted:
            text = _ESCAPE.sub(lambda match: self._unescape(match[1], token), text)
        return Literal(self._parser.lexer.place(token.start, token.end), text)

    def _unescape(self, escaped: str, token: Token) -> str:
        if escaped[0] in "uU" and len(escaped) > 1:
            try:
                return chr(int(escaped[1:], 16))
            except ValueError:
                raise self._wrong(token) from None
        if escaped not in _PLAIN:
            raise self._wrong(token)
        return _PLAIN[escaped]

    def _wrong(self, token: Token) -> Invalid:
        return self._parser.fault("an escape in this text is not HCL's", token)
