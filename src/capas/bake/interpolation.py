"""Variables in compose files: `$NAME`, `${NAME:-default}` and the like. Spec: compose-spec, "Interpolation"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from capas.errors import Invalid

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_HOW = re.compile(r":?[-?+]")


def interpolate(text: str, environ: Mapping[str, str], where: str) -> str:
    """The text with its variables filled in; `$$` is a dollar. `where` is for errors.

    Raises: Invalid for `${NAME:?why}` without a value, and for a bracket that is not closed.
    """
    return "".join(_pieces(text, environ, where))


def _pieces(text: str, environ: Mapping[str, str], where: str) -> Iterator[str]:
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        yield text[at:dollar]
        at = dollar + 1
        if text.startswith("$", at):
            yield "$"
            at += 1
        elif text.startswith("{", at):
            end = _closing(text, at, where)
            yield _braced(text[at + 1 : end], environ, where)
            at = end + 1
        else:
            name = _NAME.match(text, at)
            yield environ.get(name[0], "") if name else "$"
            at = name.end() if name else at
    yield text[at:]


def _closing(text: str, at: int, where: str) -> int:
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return place
    raise Invalid("{where}: in {text!r} a bracket is not closed", where=where, text=text[:100])


def _braced(inner: str, environ: Mapping[str, str], where: str) -> str:
    name = _NAME.match(inner)
    how = _HOW.match(inner, name.end()) if name else None
    if name is None or (how is None and name.end() < len(inner)):
        raise Invalid("{where}: ${{{text}}} is no variable", where=where, text=inner[:100])
    value = environ.get(name[0])
    if how is None:
        return value or ""
    word = inner[how.end() :]
    present = bool(value) if how[0].startswith(":") else value is not None
    if how[0].endswith("+"):
        return interpolate(word, environ, where) if present else ""
    if present:
        return value or ""
    if how[0].endswith("?"):
        why = interpolate(word, environ, where)
        raise Invalid("{where}: variable {name} has no value: {problem}", where=where, name=name[0], problem=why)
    return interpolate(word, environ, where)
