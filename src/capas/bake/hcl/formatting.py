"""Texts made by pattern: `format`, JSON as Go writes it, and Go's regular expressions."""

from __future__ import annotations

import json
import re

from capas.bake.hcl.syntax import Value
from capas.bake.hcl.values import to_int, to_number, to_text
from capas.errors import Invalid

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d{1,3})?(?:\.(?P<precision>\d{1,3}))?(?P<verb>[a-zA-Z%])")


def format_text(form: str, values: list[Value]) -> str:
    """`form` with its verbs (%s %d %v %q %t %f %x …) replaced by values. Raises: Invalid. Spec: go-cty, Format."""
    left = list(values)

    def fill(match: re.Match[str]) -> str:
        verb = match["verb"]
        if verb == "%":
            return "%"
        if not left:
            raise Invalid("there are fewer values than verbs")
        return _filled(match, verb, left.pop(0))

    found = _VERB.sub(fill, form)
    if left:
        raise Invalid("there are more values than verbs")
    return found


def _filled(match: re.Match[str], verb: str, value: Value) -> str:
    flags, width, precision = match["flags"], match["width"] or "", match["precision"]
    point = f".{precision}" if precision else ""
    if verb == "v" and "#" in flags:
        return to_json(value)
    if verb in "sv":
        text = value if isinstance(value, str) else to_text(value) if verb == "s" else _shown(value)
        return f"%{flags.replace('0', '')}{width}{point}s" % text
    if verb == "q":
        return json.dumps(to_text(value), ensure_ascii=False)
    if verb == "t":
        return _shown(bool(value))
    if verb in "dxXob":
        number = to_int(value)
        return format(number, "b") if verb == "b" else f"%{flags}{width}{verb}" % number
    if verb in "eEfFgG":
        return f"%{flags}{width}{point}{verb}" % to_number(value)
    raise Invalid("there is no verb %{verb}", verb=verb)


def to_json(value: Value) -> str:
    """The value as Go encodes it: keys sorted, nothing in it that HTML could mistake."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else to_json(value)


def search(pattern: str, text: str, *, every: bool = False) -> Value:
    """What matches first, or every time: the text, a list of its groups, or an object of its named groups.

    Raises: Invalid where nothing matches (but for `every`). Spec: go-cty, Regex, RegexAll.
    """
    found = [_groups(match) for match in _compiled(pattern).finditer(text)]
    if every:
        return list[Value](found)
    if not found:
        raise Invalid("the pattern matches nothing")
    return found[0]


def replace_pattern(text: str, pattern: str, new: str) -> str:
    """The text with every match replaced; `$1` and `${name}` in `new` are groups."""
    template = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: rf"\g<{match[1] or match[2]}>", new.replace("\\", "\\\\"))
    return _compiled(pattern).sub(template.replace("$$", "$"), text)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise Invalid("not a regular expression: {why}", why=str(error)) from None


def _groups(match: re.Match[str]) -> Value:
    if match.re.groupindex:
        return dict[str, Value](match.groupdict())
    return list[Value](match.groups()) if match.groups() else match[0]
