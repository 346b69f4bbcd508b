"""What HCL text is made of: bodies of attributes and blocks, and expressions. Values only.

Spec: HCL Native Syntax Specification (hashicorp/hcl, hclsyntax/spec.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias, Union

from capas.dockerfile.position import Position
from capas.dockerfile.source import Source

Value: TypeAlias = Union[bool, int, float, str, "list[Value]", "dict[str, Value]", None]
"""What an expression gives. Numbers are int where they are whole."""


class Literal(NamedTuple):
    """A number, a word like `true`, or text without anything to fill in."""

    at: Position
    value: Value


class Template(NamedTuple):
    """Text with expressions in it. Alone, an expression keeps its type."""

    at: Position
    parts: tuple[Expression, ...]


class Variable(NamedTuple):
    """A name."""

    at: Position
    name: str


class Index(NamedTuple):
    """`of[key]` and `of.key`."""

    at: Position
    of: Expression
    key: Expression


class Splat(NamedTuple):
    """`of[*]…` and `of.*…`: `each` is evaluated for every element, which it knows as the variable ""."""

    at: Position
    of: Expression
    each: Expression


class Call(NamedTuple):
    """A function with its arguments; `spread` where the last is a list of them (`…`)."""

    at: Position
    name: str
    arguments: tuple[Expression, ...]
    spread: bool = False


class Unary(NamedTuple):
    """`-x` or `!x`."""

    at: Position
    operator: str
    operand: Expression


class Binary(NamedTuple):
    """Two operands."""

    at: Position
    operator: str
    left: Expression
    right: Expression


class Conditional(NamedTuple):
    """`condition ? yes : no`; also `%{ if … }`."""

    at: Position
    condition: Expression
    yes: Expression
    no: Expression


class Sequence(NamedTuple):
    """`[a, b]`."""

    at: Position
    items: tuple[Expression, ...]


class Object(NamedTuple):
    """`{ key = value }`."""

    at: Position
    pairs: tuple[tuple[Expression, Expression], ...]


class For(NamedTuple):
    """`[for k, v in of : value if condition]`, `{for … : key => value…}`; `text` for `%{ for … }`, which joins."""

    at: Position
    key_name: str
    value_name: str
    of: Expression
    value: Expression
    key: Expression | None = None
    condition: Expression | None = None
    grouped: bool = False
    text: bool = False


Expression: TypeAlias = (
    Literal | Template | Variable | Index | Splat | Call | Unary | Binary | Conditional | Sequence | Object | For
)


class Attribute(NamedTuple):
    """`name = value`, and the file that it is in."""

    name: str
    value: Expression
    at: Position
    source: Source


class Block(NamedTuple):
    """`kind "label" { … }`."""

    kind: str
    labels: tuple[str, ...]
    body: Body
    at: Position
    source: Source


class Body(NamedTuple):
    """Attributes by name, and blocks in their order."""

    attributes: Mapping[str, Attribute] = {}
    blocks: tuple[Block, ...] = ()
