"""What a command said before it failed, for a terminal."""

from __future__ import annotations

from capas.errors import CapasError
from capas.printable import printable


def last_lines(error: CapasError) -> list[str]:
    """Its last lines, ready to be printed; nothing for other errors."""
    output = error.facts.get("output")
    return [f"  │ {printable(str(line))}" for line in output] if isinstance(output, list) else []
