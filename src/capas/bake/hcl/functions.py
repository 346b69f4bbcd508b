"""The functions of bake's HCL, one small rule each. The table is the list of what there is.

Spec: docs.docker.com, "Bake standard library functions"; go-cty, function/stdlib.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import math
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from urllib.parse import quote_plus

from capas.bake.hcl.formatting import format_text, replace_pattern, search, to_json
from capas.bake.hcl.syntax import Value
from capas.bake.hcl.times import add_time, format_date
from capas.bake.hcl.values import (
    kind_of,
    same,
    to_bool,
    to_int,
    to_list,
    to_number,
    to_object,
    to_text,
    whole,
)
from capas.errors import CapasError, Invalid, NotFound

Function = Callable[..., Value]
_MOST = 100_000  # items that a function may make


def call(name: str, arguments: list[Value], known: Mapping[str, Function]) -> Value:
    """What the function `name` gives. Raises: NotFound; Invalid, naming it."""
    function = known.get(name)
    if function is None:
        raise NotFound(
            "there is no function {name}", name=name, known=", ".join(sorted(known)), hint="there are: {known}"
        )
    try:
        return function(*arguments)
    except TypeError:
        raise Invalid("{name} does not take {count} arguments like these", name=name, count=len(arguments)) from None
    except CapasError as error:
        raise type(error)("{name}: {problem}", name=name, problem=str(error)) from None
    except (ValueError, ArithmeticError, IndexError, RecursionError) as error:
        raise Invalid("{name}: {problem}", name=name, problem=str(error)) from None


def _texts(values: Value) -> list[str]:
    return [to_text(value) for value in to_list(values)]


def _distinct(values: Iterable[Value]) -> list[Value]:
    found: list[Value] = []
    for value in values:
        if not any(same(value, other) for other in found):
            found.append(value)
    return found


def _contains(values: Value, wanted: Value) -> bool:
    return any(same(value, wanted) for value in to_list(values))


def _sets(left: Value, right: Value, keep: Callable[[bool], bool]) -> list[Value]:
    return _sorted(one for one in _distinct(to_list(left)) if keep(_contains(right, one)))


def _sorted(values: Iterable[Value]) -> list[Value]:
    return sorted(values, key=lambda value: (kind_of(value), json.dumps(value, sort_keys=True)))


def _first(*values: Value) -> Value:
    for value in values:
        if value is not None:
            return value
    raise Invalid("every argument is null")


def _first_list(*values: Value) -> Value:
    for value in values:
        if value:
            return value
    raise Invalid("every list is empty")


def _flatten(value: Value) -> list[Value]:
    return [inner for item in to_list(value) for inner in (_flatten(item) if isinstance(item, list) else [item])]


def _lookup(of: Value, key: Value, *default: Value) -> Value:
    found = to_object(of)
    if to_text(key) in found:
        return found[to_text(key)]
    if default:
        return default[0]
    raise Invalid("there is no key {key!r}", key=to_text(key))


def _merge(*objects: Value) -> Value:
    return {key: value for one in objects if one is not None for key, value in to_object(one).items()}


def _range(*bounds: Value) -> Value:
    numbers = [to_int(bound) for bound in bounds]
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        numbers.append(-1)
    found = range(*numbers)
    if len(found) > _MOST:
        raise Invalid("more than {limit} numbers", limit=_MOST)
    return list(found)


def _product(*lists: Value) -> Value:
    if math.prod(len(to_list(one)) for one in lists) > _MOST:
        raise Invalid("more than {limit} numbers", limit=_MOST)
    return [list(items) for items in product(*map(to_list, lists))]


def _element(values: Value, index: Value) -> Value:
    items = to_list(values)
    if not items:
        raise Invalid("the list is empty")
    return items[to_int(index) % len(items)]


def _slice(values: Value, start: Value, end: Value) -> Value:
    items, first, last = to_list(values), to_int(start), to_int(end)
    if not 0 <= first <= last <= len(items):
        raise Invalid("{start} to {end} is not in a list of {length}", start=first, end=last, length=len(items))
    return items[first:last]


def _substr(text: Value, offset: Value, length: Value) -> Value:
    whole_text, first, count = to_text(text), to_int(offset), to_int(length)
    first = max(first + len(whole_text), 0) if first < 0 else first
    return whole_text[first:] if count < 0 else whole_text[first : first + count]


def _length(value: Value) -> int:
    if isinstance(value, list | dict):
        return len(value)
    raise Invalid("a list or an object is needed here, not {kind}", kind=kind_of(value))


def _has_index(of: Value, key: Value) -> bool:
    if isinstance(of, dict):
        return to_text(key) in of
    return isinstance(of, list) and isinstance(key, int) and 0 <= key < len(of)


def _index_of(values: Value, wanted: Value) -> Value:
    for number, value in enumerate(to_list(values)):
        if same(value, wanted):
            return number
    raise Invalid("there is no such item")


def _indent(spaces: Value, text: Value) -> Value:
    return to_text(text).replace("\n", "\n" + " " * min(to_int(spaces), _MOST))


def _hashed(algorithm: Callable[..., hashlib._Hash]) -> Function:
    return lambda text: algorithm(to_text(text).encode(), usedforsecurity=False).hexdigest()


def _title(text: Value) -> Value:
    return re.sub(r"(?<!\w)\w", lambda match: match[0].upper(), to_text(text))


def _chunks(values: Value, size: Value) -> Value:
    items, width = to_list(values), to_int(size)
    if width <= 0:
        return [items]
    return [items[at : at + width] for at in range(0, len(items), width)]


def _format_list(form: Value, *arguments: Value) -> Value:
    width = max((len(one) for one in arguments if isinstance(one, list)), default=1)
    return [
        format_text(to_text(form), [one[at] if isinstance(one, list) else one for one in arguments])
        for at in range(width)
    ]


def _numbers(rule: Callable[[list[float]], float]) -> Function:
    return lambda *values: whole(rule([to_number(value) for value in values]))


def _pair(rule: Callable[[float, float], float]) -> Function:
    return lambda left, right: whole(rule(to_number(left), to_number(right)))


FUNCTIONS: Mapping[str, Function] = {
    # numbers
    "absolute": lambda number: abs(to_number(number)),
    "add": _pair(lambda a, b: a + b),
    "ceil": lambda number: math.ceil(to_number(number)),
    "divide": _pair(lambda a, b: a / b),
    "floor": lambda number: math.floor(to_number(number)),
    "greaterthan": _pair(lambda a, b: a > b),
    "greaterthanorequalto": _pair(lambda a, b: a >= b),
    "int": lambda number: int(to_number(number)),
    "lessthan": _pair(lambda a, b: a < b),
    "lessthanorequalto": _pair(lambda a, b: a <= b),
    "log": _pair(math.log),
    "max": _numbers(max),
    "min": _numbers(min),
    "modulo": _pair(math.fmod),
    "multiply": _pair(lambda a, b: a * b),
    "negate": lambda number: -to_number(number),
    "parseint": lambda text, base: int(to_text(text), to_int(base)),
    "pow": _pair(math.pow),
    "signum": lambda number: (to_number(number) > 0) - (to_number(number) < 0),
    "subtract": _pair(lambda a, b: a - b),
    # truth
    "and": lambda a, b: to_bool(a) and to_bool(b),
    "equal": same,
    "not": lambda a: not to_bool(a),
    "notequal": lambda a, b: not same(a, b),
    "or": lambda a, b: to_bool(a) or to_bool(b),
    # text
    "base64decode": lambda text: base64.b64decode(to_text(text), validate=True).decode(),
    "base64encode": lambda text: base64.b64encode(to_text(text).encode()).decode(),
    "basename": lambda path: posixpath.basename(to_text(path).rstrip("/")) or "/",
    "chomp": lambda text: to_text(text).rstrip("\r\n"),
    "csvdecode": lambda text: [
        dict[str, Value](row) for row in csv.DictReader(io.StringIO(to_text(text)), strict=True)
    ],
    "dirname": lambda path: posixpath.dirname(to_text(path)) or ".",
    "format": lambda form, *values: format_text(to_text(form), list(values)),
    "formatdate": lambda form, time: format_date(to_text(form), to_text(time)),
    "formatlist": _format_list,
    "indent": _indent,
    "join": lambda separator, *lists: to_text(separator).join(text for one in lists for text in _texts(one)),
    "jsondecode": lambda text: json.loads(to_text(text)),
    "jsonencode": to_json,
    "lower": lambda text: to_text(text).lower(),
    "md5": _hashed(hashlib.md5),
    "regex": lambda pattern, text: search(to_text(pattern), to_text(text)),
    "regex_replace": lambda text, pattern, new: replace_pattern(to_text(text), to_text(pattern), to_text(new)),
    "regexall": lambda pattern, text: search(to_text(pattern), to_text(text), every=True),
    "replace": lambda text, old, new: to_text(text).replace(to_text(old), to_text(new)),
    "reverse": lambda text: to_text(text)[::-1],
    "sanitize": lambda text: re.sub(r"[^a-zA-Z0-9_-]+", "_", to_text(text)),
    "sha1": _hashed(hashlib.sha1),
    "sha256": _hashed(hashlib.sha256),
    "sha512": _hashed(hashlib.sha512),
    "split": lambda separator, text: list[Value](to_text(text).split(to_text(separator))),
    "strlen": lambda text: len(to_text(text)),
    "substr": _substr,
    "timeadd": lambda time, duration: add_time(to_text(time), to_text(duration)),
    "title": _title,
    "trim": lambda text, characters: to_text(text).strip(to_text(characters)),
    "trimprefix": lambda text, start: to_text(text).removeprefix(to_text(start)),
    "trimspace": lambda text: to_text(text).strip(),
    "trimsuffix": lambda text, end: to_text(text).removesuffix(to_text(end)),
    "upper": lambda text: to_text(text).upper(),
    "urlencode": lambda text: quote_plus(to_text(text)),
    # lists and objects
    "chunklist": _chunks,
    "coalesce": _first,
    "coalescelist": _first_list,
    "compact": lambda values: [item for item in to_list(values) if item not in (None, "")],
    "concat": lambda *lists: [item for one in lists for item in to_list(one)],
    "contains": _contains,
    "distinct": lambda values: _distinct(to_list(values)),
    "element": _element,
    "flatten": _flatten,
    "hasindex": _has_index,
    "index": lambda of, key: to_list(of)[to_int(key)] if isinstance(of, list) else _lookup(of, key),
    "indexof": _index_of,
    "keys": lambda of: list[Value](sorted(to_object(of))),
    "length": _length,
    "lookup": _lookup,
    "merge": _merge,
    "range": _range,
    "reverselist": lambda values: to_list(values)[::-1],
    "sethaselement": _contains,
    "setintersection": lambda a, b: _sets(a, b, lambda shared: shared),
    "setproduct": _product,
    "setsubtract": lambda a, b: _sets(a, b, lambda shared: not shared),
    "setsymmetricdifference": lambda a, b: _sorted(
        [*_sets(a, b, lambda shared: not shared), *_sets(b, a, lambda shared: not shared)]
    ),
    "setunion": lambda *lists: _sorted(_distinct(item for one in lists for item in to_list(one))),
    "slice": _slice,
    "sort": lambda values: list[Value](sorted(_texts(values))),
    "values": lambda of: [value for _, value in sorted(to_object(of).items())],
    "zipmap": lambda keys, values: dict(zip(_texts(keys), to_list(values), strict=True)),
}
