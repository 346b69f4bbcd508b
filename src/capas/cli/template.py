"""Go templates, as far as docker's `--format` uses them: `{{.Repository}}:{{.Tag}}`, `{{json .}}`, if, with, range.

Spec: Go text/template, "Actions", "Pipelines", "Functions"; docker's additions json, join, lower, upper, title, split,
truncate, pad, println.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from capas.cli.template_functions import FUNCTIONS, show, truth
from capas.errors import Invalid

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<number>-?\d+(?:\.\d+)?)|(?P<field>(?:\.[A-Za-z_][\w]*)+|\.)"""
    r"""|(?P<variable>\$\w*)(?P<path>(?:\.[A-Za-z_]\w*)*)|(?P<word>[A-Za-z_]\w*)|(?P<sign>:=|=|\||\(|\)|,))"""
)
_ACTION = re.compile(r"\{\{(-(?=\s))?(.*?)((?<=\s)-)?\}\}", re.DOTALL)

Scope = dict[str, object]
Node = Callable[[object, Scope], Iterator[str]]
Value = Callable[[object, Scope], object]


class Template:
    """A template, parsed once, filled many times.

    >>> Template("{{.Name}}:{{range .Tags}} {{upper .}}{{end}}").fill({"Name": "a", "Tags": ["x", "y"]})
    'a: X Y'
    """

    def __init__(self, text: str) -> None:
        """Raises: Invalid for a template that does not parse."""
        self.text = text
        self._nodes = _Parser(text).block(())[0]

    def fill(self, data: object) -> str:
        """The text for this object: a mapping of docker's field names. Raises: Invalid for a field it has not."""
        return "".join(_run(self._nodes, data, {"$": data}))


class _Piece(NamedTuple):
    action: bool
    text: str


class _Parser:
    def __init__(self, text: str) -> None:
        self._source = text
        self._pieces = list(_split(text))
        self._at = 0

    def block(self, ends: Sequence[str]) -> tuple[list[Node], str]:
        """The nodes up to one of the `ends` (or the end of the text), and the words of that end."""
        nodes: list[Node] = []
        while self._at < len(self._pieces):
            piece = self._pieces[self._at]
            self._at += 1
            if not piece.action:
                nodes.append(_literal(piece.text))
                continue
            word, _, rest = piece.text.partition(" ")
            if word in ends:
                return nodes, piece.text
            nodes.append(self._action(word, rest, piece.text))
        if ends:
            raise self._bad("an {{end}} is missing")
        return nodes, ""

    def _action(self, word: str, rest: str, whole: str) -> Node:
        if word.startswith("/*"):
            return _literal("")
        if word in ("if", "with", "range"):
            return self._branch(word, rest)
        if word in ("else", "end", "define", "template", "block"):
            raise self._bad(f"{{{{{word}}}}} does not belong here")
        declared = re.match(r"(\$\w+)\s*:?=\s*(.*)", whole, re.DOTALL)
        if declared:
            return _declare(declared[1], self._pipeline(declared[2]))
        value = self._pipeline(whole)
        return lambda dot, scope: iter((show(value(dot, scope)),))

    def _branch(self, word: str, condition: str) -> Node:
        names = re.match(r"(?:(\$\w+)\s*,\s*)?(\$\w+)\s*:=\s*(.*)", condition, re.DOTALL)
        value = self._pipeline(names[3] if names else condition)
        body, end = self.block(("else", "end"))
        otherwise: list[Node] = []
        if end.startswith("else if "):
            otherwise = [self._branch("if", end.removeprefix("else if "))]
        elif end != "end":
            otherwise, _ = self.block(("end",))
        if word == "range":
            return _range(value, (names[1], names[2]) if names else (None, None), body, otherwise)
        return _when(value, names[2] if names else None, word == "with", (body, otherwise))

    def _pipeline(self, text: str) -> Value:
        tokens = self._tokens(text)
        value, rest = self._commands(tokens)
        if rest:
            raise self._bad(f"{rest[0].text!r} was not expected")
        return value

    def _tokens(self, text: str) -> list[_Token]:
        tokens: list[_Token] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if not match:
                raise self._bad(f"{text[at:].strip()[:20]!r} cannot be read")
            kind = next(k for k in ("text", "number", "field", "variable", "word", "sign") if match[k] is not None)
            tokens.append(_Token(kind, match[kind], match["path"] or ""))
            at = match.end()
        return tokens

    def _commands(self, tokens: list[_Token]) -> tuple[Value, list[_Token]]:
        value: Value | None = None
        while True:
            words: list[Value] = []
            head = tokens[0].text if tokens and tokens[0].kind == "word" else None
            while tokens and tokens[0].text not in ("|", ")"):
                word, tokens = self._operand(tokens, first=not words)
                words.append(word)
            if not words:
                raise self._bad("an action is empty")
            value = self._call(head, words, value)
            if not tokens or tokens[0].text != "|":
                return value, tokens
            tokens = tokens[1:]

    def _operand(self, tokens: list[_Token], *, first: bool) -> tuple[Value, list[_Token]]:
        token, rest = tokens[0], tokens[1:]
        if token.text == "(" and token.kind == "sign":
            value, rest = self._commands(rest)
            if not rest or rest[0].text != ")":
                raise self._bad("a ')' is missing")
            rest = rest[1:]
            if rest and rest[0].kind == "field" and rest[0].text != ".":
                return _path_of(value, rest[0].text), rest[1:]
            return value, rest
        if token.kind == "word":
            return self._word(token.text, first), rest
        return _operand(token), rest

    def _word(self, word: str, first: bool) -> Value:
        constants = {"true": True, "false": False, "nil": None}
        if word in constants:
            return lambda dot, scope: constants[word]
        if word not in FUNCTIONS:
            raise self._bad(f"there is no function {word!r}")
        return lambda dot, scope: FUNCTIONS[word]() if not first else word

    def _call(self, head: str | None, words: list[Value], piped: Value | None) -> Value:
        if head is None or head in ("true", "false", "nil"):
            if len(words) > 1 or piped is not None:
                raise self._bad("only a function takes arguments")
            return words[0]
        function, arguments = FUNCTIONS[head], words[1:] + ([piped] if piped is not None else [])

        def call(dot: object, scope: Scope) -> object:
            try:
                return function(*(argument(dot, scope) for argument in arguments))
            except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                raise self._bad(f"{head} cannot take these arguments") from None

        return call

    def _bad(self, why: str) -> Invalid:
        return Invalid("--format {template!r}: {why}", template=self._source[:200], why=why)


class _Token(NamedTuple):
    kind: str
    text: str
    path: str = ""


def _split(text: str) -> Iterator[_Piece]:
    at, trim = 0, False
    for match in _ACTION.finditer(text):
        before = text[at : match.start()]
        before = before.lstrip() if trim else before
        yield _Piece(False, before.rstrip() if match[1] else before)
        yield _Piece(True, match[2].strip())
        at, trim = match.end(), bool(match[3])
    rest = text[at:]
    if "{{" in rest:
        raise Invalid("--format {template!r}: a '}}}}' is missing", template=text[:200])
    yield _Piece(False, rest.lstrip() if trim else rest)


def _literal(text: str) -> Node:
    return lambda dot, scope: iter((text,))


def _declare(name: str, value: Value) -> Node:
    def run(dot: object, scope: Scope) -> Iterator[str]:
        scope[name] = value(dot, scope)
        return iter(())

    return run


def _when(value: Value, name: str | None, narrow: bool, branches: tuple[list[Node], list[Node]]) -> Node:
    def run(dot: object, scope: Scope) -> Iterator[str]:
        found = value(dot, scope)
        inner = {**scope, name: found} if name else scope
        if truth(found):
            return _run(branches[0], found if narrow else dot, inner)
        return _run(branches[1], dot, scope)

    return run


def _range(value: Value, names: tuple[str | None, str | None], body: list[Node], otherwise: list[Node]) -> Node:
    def run(dot: object, scope: Scope) -> Iterator[str]:
        found = value(dot, scope)
        pairs = sorted(found.items()) if isinstance(found, Mapping) else list(enumerate(_sequence(found)))
        for key, item in pairs:
            inner = {**scope, **({names[0]: key} if names[0] else {}), **({names[1]: item} if names[1] else {})}
            yield from _run(body, item, inner)
        if not pairs:
            yield from _run(otherwise, dot, scope)

    return run


def _run(nodes: list[Node], dot: object, scope: Scope) -> Iterator[str]:
    for node in nodes:
        yield from node(dot, scope)


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _operand(token: _Token) -> Value:
    if token.kind == "text":
        text = token.text[1:-1]
        plain = text if token.text[0] == "`" else text.replace(r"\t", "\t").replace(r"\n", "\n").replace(r"\"", '"')
        return lambda dot, scope: plain
    if token.kind == "number":
        number = float(token.text) if "." in token.text else int(token.text)
        return lambda dot, scope: number
    if token.kind == "variable":
        name = token.text
        return _path_of(lambda dot, scope: scope.get(name), token.path)
    return _path_of(lambda dot, scope: dot, token.text)


def _path_of(value: Value, path: str) -> Value:
    names = [name for name in path.split(".") if name]

    def walk(dot: object, scope: Scope) -> object:
        found = value(dot, scope)
        for name in names:
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, Mapping) and found is scope["$"]:
                raise Invalid("--format: there is no field {name!r}", name=name, hint=_known(found))
            else:
                return None
        return found

    return walk


def _known(fields: Mapping[object, object]) -> str:
    return "the fields are: " + ", ".join(map(str, fields))
