"""The parser: HCL tokens to bodies and expressions, by recursive descent.

Spec: HCL Native Syntax Specification, "Structural Elements", "Expressions".
"""

from __future__ import annotations

from collections.abc import Callable

from capas.bake.hcl import template
from capas.bake.hcl.lexer import Lexer
from capas.bake.hcl.syntax import (
    Attribute,
    Binary,
    Block,
    Body,
    Call,
    Conditional,
    Expression,
    For,
    Index,
    Literal,
    Object,
    Sequence,
    Splat,
    Unary,
    Variable,
)
from capas.bake.hcl.token import Token
from capas.dockerfile.position import Position
from capas.errors import Invalid

_WORDS = {"true": True, "false": False, "null": None}
_LOOSEST = 0
_BINDING = {
    "||": 0, "&&": 1, "==": 2, "!=": 2, "<": 3, ">": 3, "<=": 3, ">=": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip


def parse_hcl(text: str, name: str) -> Body:
    """The body of a file called `name`. Raises: Invalid, pointing at what is wrong."""
    lexer = Lexer(text, name)
    try:
        return Parser(lexer, lexer.tokens()).file()
    except RecursionError:
        raise Invalid("{file} is nested too deeply", file=name) from None


class Parser:
    """Reads tokens from the first to the last."""

    def __init__(self, lexer: Lexer, tokens: list[Token]) -> None:
        self.lexer = lexer
        self._tokens = tokens
        self._next = 0

    # tokens

    @property
    def token(self) -> Token:
        """The one at hand."""
        return self._tokens[self._next]

    def take(self) -> Token:
        """The one at hand, and on to the next; the last stays."""
        token = self.token
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def accept(self, *kinds: str) -> Token | None:
        """The one at hand, if it is of these kinds."""
        return self.take() if self.token.kind in kinds else None

    def expect(self, kind: str, problem: str) -> Token:
        """The one at hand, which must be of this kind. Raises: Invalid."""
        found = self.accept(kind)
        if found is None:
            raise self.fault(problem)
        return found

    def skip_lines(self) -> None:
        """Past the ends of lines."""
        while self.accept("newline"):
            pass

    def fault(self, problem: str, token: Token | None = None) -> Invalid:
        """An error that points at a token, the one at hand by default."""
        token = token or self.token
        return self.lexer.fault(problem, token.start, token.end)

    def since(self, first: Token) -> Position:
        """From a token to the one before the one at hand."""
        return self.lexer.place(first.start, self._tokens[max(self._next - 1, 0)].end)

    # bodies

    def file(self) -> Body:
        """A whole file."""
        body = self._body(lambda: self.token.kind == "eof")
        self.expect("eof", "this bracket closes nothing")
        return body

    def _body(self, at_end: Callable[[], bool]) -> Body:
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        self.skip_lines()
        while not at_end():
            first = self.expect("name", "an attribute or a block begins with its name")
            if self.accept("="):
                if first.text in attributes:
                    raise self.fault("this attribute was set before", first)
                value = self.expression()
                attributes[first.text] = Attribute(first.text, value, self.since(first), self.lexer.source)
                if not at_end() and not self.accept("newline"):
                    raise self.fault("an attribute ends with its line")
            else:
                blocks.append(self._block(first))
            self.skip_lines()
        return Body(attributes, tuple(blocks))

    def _block(self, first: Token) -> Block:
        labels: list[str] = []
        while self.token.kind in ("name", '"'):
            labels.append(self._label())
        at = self.since(first)
        self.expect("{", "= or { is missing after the name")
        body = self._body(lambda: self.token.kind in ("}", "eof"))
        self.expect("}", "the block is not closed: } is missing")
        if self.token.kind not in ("newline", "eof", "}"):
            raise self.fault("a block ends with its line")
        return Block(first.text, tuple(labels), body, at, self.lexer.source)

    def _label(self) -> str:
        token = self.take()
        if token.kind == "name":
            return token.text
        found = template.parse(self, token)
        if not isinstance(found, Literal) or not isinstance(found.value, str):
            raise self.fault("a label is plain text, without variables", token)
        return found.value

    # expressions

    def expression(self) -> Expression:
        """An expression. Raises: Invalid."""
        first = self.token
        condition = self._operation(_LOOSEST)
        if not self.accept("?"):
            return condition
        self.skip_lines()
        yes = self.expression()
        self.skip_lines()
        self.expect(":", "the condition's : is missing")
        self.skip_lines()
        no = self.expression()
        return Conditional(self.since(first), condition, yes, no)

    def _operation(self, level: int) -> Expression:
        """Operands joined by operators that bind at least as close as `level`."""
        first = self.token
        left = self._unary()
        while (binding := _BINDING.get(self.token.kind, -1)) >= level:
            operator = self.take()
            self.skip_lines()
            right = self._operation(binding + 1)
            left = Binary(self.since(first), operator.kind, left, right)
        return left

    def _unary(self) -> Expression:
        first = self.token
        if operator := self.accept("-", "!"):
            operand = self._unary()
            return Unary(self.since(first), operator.kind, operand)
        return self._traversal(self._term(), first)

    def _traversal(self, of: Expression, first: Token) -> Expression:
        while self.token.kind in (".", "["):
            if self.take().kind == "[":
                of = self._index(of, first)
            elif self.accept("*"):
                each = self._steps(first)
                of = Splat(self.since(first), of, each)
            else:
                of = self._member(of, first)
        return of

    def _index(self, of: Expression, first: Token) -> Expression:
        self.skip_lines()
        if self.accept("*"):
            self.expect("]", "] is missing")
            each = self._traversal(Variable(self.since(first), ""), first)
            return Splat(self.since(first), of, each)
        key = self.expression()
        self.skip_lines()
        self.expect("]", "] is missing")
        return Index(self.since(first), of, key)

    def _steps(self, first: Token) -> Expression:
        """What `.*` does with each element: members alone."""
        each: Expression = Variable(self.since(first), "")
        while self.accept("."):
            each = self._member(each, first)
        return each

    def _member(self, of: Expression, first: Token) -> Expression:
        token = self.accept("name", "number")
        if token is None:
            raise self.fault("after the dot a name is missing")
        key = Literal(self.since(token), number(token.text) if token.kind == "number" else token.text)
        return Index(self.since(first), of, key)

    def _term(self) -> Expression:
        token = self.take()
        if token.kind == "number":
            return Literal(self.since(token), number(token.text))
        if token.kind in ('"', "heredoc"):
            return template.parse(self, token)
        if token.kind == "(":
            self.skip_lines()
            inner = self.expression()
            self.skip_lines()
            self.expect(")", ") is missing")
            return inner
        if token.kind == "[":
            return self._sequence(token)
        if token.kind == "{":
            return self._object(token)
        if token.kind != "name":
            raise self.fault("an expression is missing here", token)
        if self.token.kind == "(":
            return self._call(token)
        if token.text in _WORDS:
            return Literal(self.since(token), _WORDS[token.text])
        return Variable(self.since(token), token.text)

    def _call(self, name: Token) -> Expression:
        self.take()
        self.skip_lines()
        arguments: list[Expression] = []
        spread = False
        while self.token.kind != ")":
            arguments.append(self.expression())
            self.skip_lines()
            spread = self.accept("...") is not None
            self.skip_lines()
            if spread or not self.accept(","):
                break
            self.skip_lines()
        self.expect(")", ") is missing after the arguments")
        return Call(self.since(name), name.text, tuple(arguments), spread)

    def _sequence(self, first: Token) -> Expression:
        self.skip_lines()
        if self._is_for():
            return self._for(first, "]")
        items: list[Expression] = []
        while self.token.kind != "]":
            items.append(self.expression())
            self.skip_lines()
            if not self.accept(","):
                break
            self.skip_lines()
        self.expect("]", "] or a comma is missing")
        return Sequence(self.since(first), tuple(items))

    def _object(self, first: Token) -> Expression:
        self.skip_lines()
        if self._is_for():
            return self._for(first, "}")
        pairs: list[tuple[Expression, Expression]] = []
        while self.token.kind != "}":
            key = self._key()
            if not self.accept("=", ":"):
                raise self.fault("= is missing after the key")
            self.skip_lines()
            pairs.append((key, self.expression()))
            if self.token.kind != "}" and not self.accept(",", "newline"):
                raise self.fault("} or a comma is missing")
            self.skip_lines()
        self.expect("}", "} is missing")
        return Object(self.since(first), tuple(pairs))

    def _key(self) -> Expression:
        """A bare name as a key is itself, not a variable."""
        token, after = self.token, self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        if token.kind == "name" and after.kind in ("=", ":"):
            self.take()
            return Literal(self.since(token), token.text)
        return self.expression()

    def _is_for(self) -> bool:
        after = self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        return self.token.kind == "name" and self.token.text == "for" and after.kind in ("name", "newline")

    def _for(self, first: Token, closing: str) -> Expression:
        key_name, value_name, of = self.for_intro()
        self.skip_lines()
        self.expect(":", "the : of for is missing")
        self.skip_lines()
        value, key = self.expression(), None
        self.skip_lines()
        if closing == "}":
            key = value
            self.expect("=>", "the => of for is missing")
            self.skip_lines()
            value = self.expression()
            self.skip_lines()
        grouped = closing == "}" and self.accept("...") is not None
        self.skip_lines()
        condition = None
        if self.token.kind == "name" and self.token.text == "if":
            self.take()
            condition = self.expression()
            self.skip_lines()
        self.expect(closing, "the bracket of for is not closed")
        return For(self.since(first), key_name, value_name, of, value, key, condition, grouped)

    def for_intro(self) -> tuple[str, str, Expression]:
        """`for k, v in of`, from the word for on: names of key ("" for none) and value, and what is gone through."""
        self.take()
        self.skip_lines()
        value = self.expect("name", "the variable of for is missing").text
        key = ""
        if self.accept(","):
            key, value = value, self.expect("name", "the variable of for is missing").text
        self.skip_lines()
        word = self.expect("name", "the word in is missing")
        if word.text != "in":
            raise self.fault("the word in is missing", word)
        self.skip_lines()
        return key, value, self.expression()


def number(text: str) -> int | float:
    """A number, whole where it can be."""
    found = float(text)
    return int(text) if text.isdigit() else int(found) if found.is_integer() else found
