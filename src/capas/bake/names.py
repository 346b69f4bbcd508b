"""What names mean in bake files: variables, each computed when it is first asked for, functions, and other targets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from capas.bake.hcl import syntax as ast
from capas.bake.hcl.evaluate import Inner, evaluate
from capas.bake.hcl.functions import FUNCTIONS, Function, call
from capas.bake.hcl.syntax import Attribute, Block, Body, Value
from capas.bake.hcl.values import kind_of, to_bool, to_list, to_number, to_text
from capas.errors import CapasError, Invalid, NotFound

_BLOCKS = ("target", "group")


class Names:
    """The scope of some files together: what a later one says of a name holds.

    `environ` overrides variables; `given` are names that need no declaration (BAKE_CMD_CONTEXT and the like).
    """

    def __init__(self, bodies: Iterable[Body], environ: Mapping[str, str], given: Mapping[str, Value]) -> None:
        self._environ = environ
        self._known: dict[str, Value] = dict(given)
        self._under_way: list[str] = []
        self._globals: dict[str, Attribute] = {}
        self._variables: dict[str, list[Block]] = {}
        self._functions: dict[str, Function] = dict(FUNCTIONS)
        self._blocks: dict[str, dict[str, list[Block]]] = {kind: {} for kind in _BLOCKS}
        for body in bodies:
            self._globals |= body.attributes
            for block in body.blocks:
                self._declare(block)

    def variable(self, name: str) -> Value:
        """See `Scope`."""
        if name in self._known:
            return self._known[name]
        if name in self._blocks:
            return _Blocks(self, self._blocks[name])
        if name in self._under_way:
            circle = " → ".join([*self._under_way, name])
            raise Invalid("variable {name} is made of itself: {circle}", name=name, circle=circle)
        self._under_way.append(name)
        try:
            value = self._known[name] = self._compute(name)
        finally:
            self._under_way.pop()
        return value

    def call(self, name: str, arguments: list[Value]) -> Value:
        """See `Scope`."""
        return call(name, arguments, self._functions)

    def of(self, attribute: Attribute) -> Value:
        """The value of an attribute. Raises: Invalid or NotFound, at its place."""
        return evaluate(attribute.value, self, attribute.source)

    def check(self) -> None:
        """Every variable that has a condition must meet it. Raises: Invalid."""
        for name in self._variables:
            self.variable(name)

    def _declare(self, block: Block) -> None:
        if len(block.labels) != 1:
            raise block.source.fault("a name in quotes belongs here, one", block.at)
        (label,) = block.labels
        if block.kind == "variable":
            self._variables.setdefault(label, []).append(block)
        elif block.kind == "function":
            self._functions[label] = self._function(block)
        elif block.kind in self._blocks:
            self._blocks[block.kind].setdefault(label, []).append(block)
        else:
            raise block.source.fault(
                "there is no such kind of block", block.at, "there are: variable, function, group, target"
            )

    def _compute(self, name: str) -> Value:
        blocks = self._variables.get(name)
        if blocks is None:
            if name not in self._globals:
                raise NotFound("there is no variable {name}", name=name, hint='declare it: variable "{name}" {{}}')
            return self.of(self._globals[name])
        attributes = {key: one for block in blocks for key, one in block.body.attributes.items()}
        default = self.of(attributes["default"]) if "default" in attributes else None
        wanted = _type_of(attributes["type"].value) if "type" in attributes else kind_of(default)
        value = self._overridden(name, default, wanted)
        self._validate(name, value, blocks)
        return value

    def _overridden(self, name: str, default: Value, wanted: str) -> Value:
        text, document = self._environ.get(name), self._environ.get(f"{name}_JSON")
        try:
            if text is not None:
                return _converted(text, wanted)
            if document is not None and wanted in ("list", "object"):
                return _document(document)
        except CapasError as error:
            raise Invalid("the environment's {name}: {problem}", name=name, problem=str(error)) from None
        return default

    def _validate(self, name: str, value: Value, blocks: list[Block]) -> None:
        scope = Inner(self, {name: value})
        for rule in (inner for block in blocks for inner in block.body.blocks if inner.kind == "validation"):
            condition, message = rule.body.attributes.get("condition"), rule.body.attributes.get("error_message")
            if condition is None:
                raise rule.source.fault("the validation has no condition", rule.at)
            if not to_bool(evaluate(condition.value, scope, rule.source)):
                said = to_text(evaluate(message.value, scope, rule.source)) if message else "the condition is not met"
                raise rule.source.locate(Invalid("variable {name}: {problem}", name=name, problem=said), condition.at)

    def _function(self, block: Block) -> Function:
        attributes = block.body.attributes
        if "result" not in attributes:
            raise block.source.fault("the function has no result", block.at)
        names = _names(attributes["params"]) if "params" in attributes else []
        rest = attributes.get("variadic_params")
        rest_name = rest.value.name if rest and isinstance(rest.value, ast.Variable) else ""

        def function(*arguments: Value) -> Value:
            if len(arguments) < len(names) or (len(arguments) > len(names) and not rest_name):
                raise Invalid("it takes {expected} arguments, not {count}", expected=len(names), count=len(arguments))
            known: dict[str, Value] = dict(zip(names, arguments, strict=False))
            if rest_name:
                known[rest_name] = list(arguments[len(names) :])
            return evaluate(attributes["result"].value, Inner(self, known), block.source)

        return function


class _Blocks(dict[str, Value]):
    """`target.NAME`: looked up when asked for."""

    def __init__(self, names: Names, blocks: Mapping[str, list[Block]]) -> None:
        super().__init__()
        self._names = names
        self._blocks = blocks

    def __contains__(self, name: object) -> bool:
        return name in self._blocks

    def __getitem__(self, name: str) -> Value:
        return _Attributes(self._names, self._blocks[name])


class _Attributes(dict[str, Value]):
    """`target.NAME.ATTRIBUTE`: computed when asked for."""

    def __init__(self, names: Names, blocks: list[Block]) -> None:
        super().__init__()
        self._names = names
        self._attributes = {key: one for block in blocks for key, one in block.body.attributes.items()}

    def __contains__(self, name: object) -> bool:
        return name in self._attributes

    def __getitem__(self, name: str) -> Value:
        return self._names.of(self._attributes[name])


def _names(attribute: Attribute) -> list[str]:
    items = attribute.value.items if isinstance(attribute.value, ast.Sequence) else ()
    return [item.name for item in items if isinstance(item, ast.Variable)]


def _type_of(expression: ast.Expression) -> str:
    name = expression.name if isinstance(expression, ast.Variable | ast.Call) else ""
    known = {"string": "string", "number": "number", "bool": "bool", "list": "list", "set": "list", "tuple": "list"}
    return known.get(name, "object")


def _converted(text: str, wanted: str) -> Value:
    if wanted == "bool":
        return to_bool(text.lower())
    if wanted == "number":
        return to_number(text)
    if wanted == "list":
        return to_list(_document(text)) if text.lstrip().startswith("[") else list[Value](text.split(","))
    return _document(text) if wanted == "object" else text


def _document(text: str) -> Value:
    try:
        found: Value = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("not JSON: {text!r}", text=text[:100]) from None
    return found
