"""Texts of processes and files, made fit for a terminal."""

from __future__ import annotations

import re

from capas.errors import CapasError

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_TAB = 4


def printable(text: str) -> str:
    """The text without what would colour it, move the cursor or end the line."""
    text = _ESCAPES.sub("", text)
    return "".join(c if c.isprintable() else " " for c in text.expandtabs(_TAB))


def last_lines(error: CapasError) -> list[str]:
    """What a command said last before it failed, ready to be printed; nothing for other errors."""
    output = error.facts.get("output")
    return [f"  │ {printable(str(line))}" for line in output] if isinstance(output, list) else []
