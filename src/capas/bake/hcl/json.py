"""HCL in JSON's clothes: the same bodies, where every text is a template.

Spec: HCL JSON Syntax Specification (hashicorp/hcl, json/spec.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from capas.bake.hcl import template
from capas.bake.hcl.lexer import Lexer
from capas.bake.hcl.parser import Parser
from capas.bake.hcl.syntax import Attribute, Block, Body, Expression, Literal, Object, Sequence
from capas.dockerfile.position import NOWHERE, Position
from capas.dockerfile.source import Source
from capas.errors import Invalid


def parse_json(text: str, name: str, blocks: Mapping[str, int]) -> Body:
    """The body in a JSON file. `blocks` are the kinds of block that there can be, and how many labels each has.

    Raises: Invalid, with the line where the text is not JSON.
    """
    source = Source(name, tuple(text.splitlines()))
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise source.fault("this is not JSON", Position.at(error.lineno, error.colno)) from None
    except RecursionError:
        raise Invalid("{file} is nested too deeply", file=name) from None
    return _Reader(source, blocks).body(document)


class _Reader:
    def __init__(self, source: Source, blocks: Mapping[str, int]) -> None:
        self._source = source
        self._blocks = blocks

    def body(self, document: Any) -> Body:
        """A body: members that are kinds of block, and attributes."""
        if not isinstance(document, dict):
            raise Invalid("{file}: an object is needed here", file=self._source.name)
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        for key, value in document.items():
            if key in self._blocks:
                blocks += self._labelled(key, value, (), self._blocks[key])
            else:
                attributes[key] = Attribute(key, self.expression(value), NOWHERE, self._source)
        return Body(attributes, tuple(blocks))

    def _labelled(self, kind: str, value: Any, labels: tuple[str, ...], left: int) -> list[Block]:
        if left and isinstance(value, dict):
            return [
                one for label, inner in value.items() for one in self._labelled(kind, inner, (*labels, label), left - 1)
            ]
        bodies = value if isinstance(value, list) else [value]
        return [Block(kind, labels, self.body(body), NOWHERE, self._source) for body in bodies]

    def expression(self, value: Any) -> Expression:
        """What a JSON value says."""
        if isinstance(value, str):
            lexer = Lexer(value, self._source.name)
            return template.parse_whole(Parser(lexer, lexer.template()))
        if isinstance(value, list):
            return Sequence(NOWHERE, tuple(self.expression(item) for item in value))
        if isinstance(value, dict):
            return Object(NOWHERE, tuple((self.expression(key), self.expression(item)) for key, item in value.items()))
        return Literal(NOWHERE, value)
