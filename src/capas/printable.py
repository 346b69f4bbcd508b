"""Texts and sizes for people: fit for a line of a terminal or a picture, whatever files and processes put in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_TAB = 4


def printable(text: str) -> str:
    """The text without what would colour it, move the cursor or end the line."""
    text = _ESCAPES.sub("", text)
    return "".join(c if c.isprintable() else " " for c in text.expandtabs(_TAB))


def shortened(text: str, longest: int) -> str:
    """The text in so many characters, on one line: what does not fit ends in an ellipsis."""
    return cut(" ".join(printable(text).split()), longest)


def cut(text: str, longest: int) -> str:
    """The text in so many characters: what does not fit ends in an ellipsis."""
    return text if len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def shown_name(name: str) -> str:
    """A file's name without anything that a terminal would obey or show as nothing: `\\n`, `\\x1b`, `\\u202e`, `\\xff`.

    A backslash is doubled, so that no name looks like another. What is no UTF-8 comes as `os.fsdecode` gives it.

    >>> shown_name("a\\x1b[31m")
    'a\\\\x1b[31m'
    """
    if name.isprintable() and "\\" not in name:
        return name
    return "".join(map(_escaped, name))


def shown_names(names: Sequence[str]) -> Sequence[str]:
    """`shown_name` of each: at once where none has anything of the kind, as in most images."""
    text = "".join(names)
    return names if text.isprintable() and "\\" not in text else list(map(shown_name, names))


def _escaped(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()


def human_size(size: float) -> str:
    """Three significant digits in powers of 1000: `63.2MB`, `0B`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.3g}{unit}" if size < 1000 else f"{size:.0f}{unit}"
