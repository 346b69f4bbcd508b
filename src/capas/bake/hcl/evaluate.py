"""Expressions to values, in a scope of names and functions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from capas.bake.hcl import syntax as ast
from capas.bake.hcl.syntax import Value
from capas.bake.hcl.values import kind_of, same, to_bool, to_list, to_number, to_text, whole
from capas.dockerfile.source import Source
from capas.errors import CapasError, Invalid, NotFound


class Scope(Protocol):
    """Where names get their meaning."""

    def variable(self, name: str) -> Value:
        """The value of a name. Raises: NotFound."""

    def call(self, name: str, arguments: list[Value]) -> Value:
        """What a function gives. Raises: NotFound; Invalid for arguments that do not suit it."""


class Inner:
    """A scope with names of its own in front of another."""

    def __init__(self, outer: Scope, names: Mapping[str, Value]) -> None:
        self._outer = outer
        self._names = names

    def variable(self, name: str) -> Value:
        """See `Scope`."""
        return self._names[name] if name in self._names else self._outer.variable(name)

    def call(self, name: str, arguments: list[Value]) -> Value:
        """See `Scope`."""
        return self._outer.call(name, arguments)


def evaluate(expression: ast.Expression, scope: Scope, source: Source) -> Value:
    """The value of an expression of the file `source`. Raises: Invalid or NotFound, pointing at what is at fault."""
    try:
        return _RULES[type(expression)](_Evaluator(scope, source), expression)
    except CapasError as error:
        raise source.locate(error, expression.at) from None
    except (OverflowError, ZeroDivisionError, MemoryError):
        raise source.fault("this cannot be computed", expression.at) from None


class _Evaluator:
    def __init__(self, scope: Scope, source: Source) -> None:
        self._scope = scope
        self._source = source

    def value(self, expression: ast.Expression) -> Value:
        return evaluate(expression, self._scope, self._source)

    def within(self, names: Mapping[str, Value]) -> _Evaluator:
        return _Evaluator(Inner(self._scope, names), self._source)

    def literal(self, one: ast.Literal) -> Value:
        return one.value

    def template(self, one: ast.Template) -> Value:
        if len(one.parts) == 1:
            return self.value(one.parts[0])
        return "".join(to_text(self.value(part)) for part in one.parts)

    def variable(self, one: ast.Variable) -> Value:
        return self._scope.variable(one.name)

    def index(self, one: ast.Index) -> Value:
        return _item(self.value(one.of), self.value(one.key))

    def splat(self, one: ast.Splat) -> Value:
        of = self.value(one.of)
        items = of if isinstance(of, list) else [] if of is None else [of]
        return [self.within({"": item}).value(one.each) for item in items]

    def call(self, one: ast.Call) -> Value:
        if one.name in ("try", "can"):
            return self._attempt(one)
        arguments = [self.value(argument) for argument in one.arguments]
        if one.spread:
            arguments = [*arguments[:-1], *to_list(arguments[-1])]
        return self._scope.call(one.name, arguments)

    def _attempt(self, one: ast.Call) -> Value:
        """`try(a, b)`: the first that can be evaluated; `can(a)`: whether it can."""
        failure: CapasError = Invalid("{name} needs an argument", name=one.name)
        for argument in one.arguments:
            try:
                value = self.value(argument)
            except (Invalid, NotFound) as error:
                failure = error
            else:
                return True if one.name == "can" else value
        if one.name == "can":
            return False
        raise failure

    def unary(self, one: ast.Unary) -> Value:
        value = self.value(one.operand)
        return not to_bool(value) if one.operator == "!" else -to_number(value)

    def binary(self, one: ast.Binary) -> Value:
        left, right = self.value(one.left), self.value(one.right)
        if one.operator in ("&&", "||"):
            return to_bool(left) and to_bool(right) if one.operator == "&&" else to_bool(left) or to_bool(right)
        if one.operator in ("==", "!="):
            return same(left, right) == (one.operator == "==")
        return whole(_OPERATORS[one.operator](to_number(left), to_number(right)))

    def conditional(self, one: ast.Conditional) -> Value:
        return self.value(one.yes if to_bool(self.value(one.condition)) else one.no)

    def sequence(self, one: ast.Sequence) -> Value:
        return [self.value(item) for item in one.items]

    def object(self, one: ast.Object) -> Value:
        return {to_text(self.value(key)): self.value(value) for key, value in one.pairs}

    def comprehension(self, one: ast.For) -> Value:
        rounds = self._rounds(one)
        if one.text:
            return "".join(to_text(inner.value(one.value)) for inner in rounds)
        if one.key is None:
            return [inner.value(one.value) for inner in rounds]
        found: dict[str, Value] = {}
        for inner in rounds:
            key, value = to_text(inner.value(one.key)), inner.value(one.value)
            if one.grouped:
                group = found.setdefault(key, [])
                assert isinstance(group, list)
                group.append(value)
            elif key in found:
                raise Invalid("for gives the key {key!r} twice", key=key, hint="group the values with ... after them")
            else:
                found[key] = value
        return found

    def _rounds(self, one: ast.For) -> Iterator[_Evaluator]:
        of = self.value(one.of)
        if isinstance(of, dict):
            pairs: list[tuple[Value, Value]] = [(key, of[key]) for key in sorted(of)]
        else:
            pairs = list(enumerate(to_list(of)))
        for key, value in pairs:
            names = {one.value_name: value} | ({one.key_name: key} if one.key_name else {})
            inner = self.within(names)
            if one.condition is None or to_bool(inner.value(one.condition)):
                yield inner


def _item(of: Value, key: Value) -> Value:
    if isinstance(of, dict):
        name = to_text(key)
        if name not in of:
            raise NotFound("there is no {key!r} in it", key=name)
        return of[name]
    if isinstance(of, list):
        number = to_number(key)
        if not isinstance(number, int) or not 0 <= number < len(of):
            raise NotFound("there is no item {key} in a list of {length}", key=number, length=len(of))
        return of[number]
    raise Invalid("{kind} has no members", kind=kind_of(of))


_OPERATORS: Mapping[str, Callable[[int | float, int | float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": math.fmod,
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
_RULES: Mapping[type, Callable[[_Evaluator, Any], Value]] = {
    ast.Literal: _Evaluator.literal, ast.Template: _Evaluator.template, ast.Variable: _Evaluator.variable,
    ast.Index: _Evaluator.index, ast.Splat: _Evaluator.splat, ast.Call: _Evaluator.call, ast.Unary: _Evaluator.unary,
    ast.Binary: _Evaluator.binary, ast.Conditional: _Evaluator.conditional, ast.Sequence: _Evaluator.sequence,
    ast.Object: _Evaluator.object, ast.For: _Evaluator.comprehension,
}  # fmt: skip
