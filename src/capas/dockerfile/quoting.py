"""Words in quotation marks: as Go prints them in an image's history, and as a Dockerfile has them."""

from __future__ import annotations

import re
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


def quote(text: str) -> str:
    """A string as `%q` prints it."""
    return '"' + "".join(_quoted(char) for char in text) + '"'


def quote_list(words: Iterable[str]) -> str:
    """A list of strings as `%q` prints it: `["nginx" "-g"]`."""
    return "[" + " ".join(quote(word) for word in words) + "]"


def quote_value(value: str) -> str:
    """A value of ENV or LABEL in quotes, such that nothing in it is expanded. Lines become one: no value has several.

    >>> quote_value('$5 "net"')
    '"\\\\$5 \\\\"net\\\\""'
    """
    escaped = re.sub(r'([\\"$])', r"\\\1", value.replace("\n", " "))
    return f'"{escaped}"'


def _quoted(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
