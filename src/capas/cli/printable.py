"""What a command said before it failed, for a terminal."""

from __future__ import annotations

from capas.errors import CapasError
from capas.printable import printable


def shown_name(name: str) -> str:
    """A file's name without anything that a terminal would obey or show as nothing: `\\n`, `\\x1b`, `\\u202e`, `\\xff`.

    A backslash is doubled, so that no name looks like another. What is no UTF-8 comes as `os.fsdecode` gives it.

    >>> shown_name("a\\x1b[31m")
    'a\\\\x1b[31m'
    """
    if name.isprintable() and "\\" not in name:
        return name
    return "".join(map(_escaped, name))


def _escaped(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()


def last_lines(error: CapasError) -> list[str]:
    """Its last lines, ready to be printed; nothing for other errors."""
    output = error.facts.get("output")
    return [f"  │ {printable(str(line))}" for line in output] if isinstance(output, list) else []
