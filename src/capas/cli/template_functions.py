"""The functions of Go templates, and how Go prints values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType


def show(value: object) -> str:
    """A value as Go's fmt prints it: `[a b]`, `map[k:v]`, `true`, `<no value>`."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{show(k)}:{show(value[k])}" for k in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(show, value)) + "]"
    return str(value)


def truth(value: object) -> bool:
    """Go's truth: false, 0, nothing and the empty are false."""
    return bool(value)


def to_json(value: object) -> str:
    """Compact JSON, as docker's `json` function gives."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _join(items: Sequence[object], separator: str = "") -> str:
    return separator.join(map(str, items or ()))


def _index(value: object, *keys: object) -> object:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, "")
        elif isinstance(value, list | tuple) and isinstance(key, int):
            value = value[key]
        else:
            return None
    return value


def _slice(value: str, start: int = 0, end: int | None = None) -> str:
    return value[start:end]


def _eq(first: object, *others: object) -> bool:
    return any(first == other for other in others)


def _and(*values: object) -> object:
    return next((value for value in values if not truth(value)), values[-1])


def _or(*values: object) -> object:
    return next((value for value in values if truth(value)), values[-1])


def _truncate(text: str, length: int) -> str:
    return text[:length]


def _pad(text: str, before: int, after: int) -> str:
    return " " * before + text + " " * after


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator)


def _println(*values: object) -> str:
    return " ".join(map(show, values)) + "\n"


def _print(*values: object) -> str:
    return "".join(map(show, values))


def _printf(template: str, *values: object) -> str:
    remaining = list(values)

    def one(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        value = remaining.pop(0)
        if match[1][-1] == "q":
            return to_json(str(value))
        kind = {"v": "s", "t": "s"}.get(match[1][-1], match[1][-1])
        return f"%{match[1][:-1]}{kind}" % (show(value) if kind == "s" else value)

    return re.sub(r"%%|%([-+# 0]*\d*(?:\.\d+)?[a-zA-Z])", one, template)


FUNCTIONS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        "json": to_json,
        "join": _join,
        "lower": lambda text: str(text).lower(),
        "upper": lambda text: str(text).upper(),
        "title": lambda text: str(text).title(),
        "split": _split,
        "truncate": _truncate,
        "pad": _pad,
        "println": _println,
        "print": _print,
        "printf": _printf,
        "index": _index,
        "slice": _slice,
        "len": len,
        "eq": _eq,
        "ne": lambda first, second: first != second,
        "lt": lambda first, second: first < second,
        "le": lambda first, second: first <= second,
        "gt": lambda first, second: first > second,
        "ge": lambda first, second: first >= second,
        "and": _and,
        "or": _or,
        "not": lambda value: not truth(value),
    }
)
