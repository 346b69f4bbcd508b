"""Words as Go prints them: the texts of an image's history, the same from every builder."""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\v": "\\v",
}
_UNITS = ((3_600_000_000_000, "h"), (60_000_000_000, "m"))


def quote(text: str) -> str:
    """A string as `%q` prints it."""
    return '"' + "".join(_quoted(char) for char in text) + '"'


def quote_list(words: Iterable[str]) -> str:
    """A list of strings as `%q` prints it: `["nginx" "-g"]`."""
    return "[" + " ".join(quote(word) for word in words) + "]"


def duration(value_ns: int) -> str:
    """A time.Duration: `1m30s`, `500ms`, `0s`.

    >>> duration(90_000_000_000)
    '1m30s'
    """
    if value_ns < 1_000_000_000:
        return _fraction(value_ns)
    rest, text = value_ns, ""
    for unit, letter in _UNITS:
        if rest >= unit or text:
            text += f"{rest // unit}{letter}"
            rest %= unit
    return text + _decimal(rest, 1_000_000_000) + "s"


def _fraction(value_ns: int) -> str:
    if value_ns == 0:
        return "0s"
    for unit, name in ((1_000_000, "ms"), (1_000, "µs")):
        if value_ns >= unit:
            return _decimal(value_ns, unit) + name
    return f"{value_ns}ns"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0")
    return f"{whole}.{digits}" if digits and rest else str(whole)


def _quoted(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
