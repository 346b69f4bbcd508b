"""Which files somebody looks for, in the words of find(1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import translate
from typing import Any, Literal, NamedTuple

from capas.errors import Invalid
from capas.look.files import FileKind

_TYPES: dict[str, FileKind] = {
    "f": "file", "d": "directory", "l": "symlink", "c": "character", "b": "block", "p": "fifo",
}  # fmt: skip
_UNITS = {"c": 1, "w": 2, "b": 512, "": 512, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SIZE = re.compile(r"([+-]?)(\d{1,18})([cwbkMG]?)", re.ASCII)
_PERM = re.compile(r"([-/]?)([0-7]{1,4})", re.ASCII)

Field = Literal["path", "kind", "size", "mode", "mtime_ns"]


class Test(NamedTuple):
    """What one field of a file must be. `field` is named as in `ImageFile`."""

    field: Field
    passes: Callable[[Any], bool]


class Wanted(NamedTuple):
    """What a file must be, every one of these that is given.

    `name` is a glob for the last part of the path, `types` some of "f,d,l,c,b,p", `size` as "+10M" (more than), "-1k",
    "0c", `perm` as "644" (just so), "-111" (all of these bits), "/6000" (any of them), `newer` a time after which it
    was changed (ISO 8601; UTC where it does not say). Spec: POSIX.1-2017 find; GNU find for +10M and /MODE.
    """

    name: str = ""
    types: str = ""
    size: str = ""
    perm: str = ""
    newer: str = ""

    def compile(self) -> list[Test]:
        """The tests that a wanted file passes. Raises: Invalid for words that find would not know."""
        return [Test(field, make(text)) for (field, make), text in zip(_MAKERS, self, strict=True) if text]


def _name(glob: str) -> Callable[[str], bool]:
    match = re.compile(translate(glob)).match
    return lambda path: match(path.rpartition("/")[2]) is not None


def _types(text: str) -> Callable[[str], bool]:
    letters = text.split(",")
    if not set(letters) <= _TYPES.keys():
        raise Invalid("--type {text!r}: there is no such type", text=text, hint="some of f,d,l,c,b,p")
    return {_TYPES[letter] for letter in letters}.__contains__


def _size(text: str) -> Callable[[int], bool]:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise Invalid("--size {text!r}: this is no size", text=text, hint="as +10M (more than), -1k (less than), 0c")
    sign, number, unit = match[1], int(match[2]), _UNITS[match[3]]

    def test(size: int) -> bool:
        units = -(-size // unit)  # rounded up, as find does
        return units > number if sign == "+" else units < number if sign == "-" else units == number

    return test


def _perm(text: str) -> Callable[[int], bool]:
    match = _PERM.fullmatch(text)
    if match is None:
        raise Invalid("--perm {text!r}: this is no mode", text=text, hint="as 644, -111 (all of), /6000 (any of)")
    sign, bits = match[1], int(match[2], 8)
    if sign == "/":
        return lambda mode: bool(mode & bits) or not bits
    return lambda mode: mode & bits == bits if sign else mode == bits


def _newer(text: str) -> Callable[[int], bool]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            "--newer {text!r}: this is no time", text=text, hint="as 2024-05-17 or 2024-05-17T12:30"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    after_ns = int(moment.timestamp() * 1_000_000) * 1000
    return lambda mtime_ns: mtime_ns > after_ns


_MAKERS: tuple[tuple[Field, Callable[[str], Callable[[Any], bool]]], ...] = (
    ("path", _name), ("kind", _types), ("size", _size), ("mode", _perm), ("mtime_ns", _newer),
)  # fmt: skip
