"""A token of HCL."""

from __future__ import annotations

from typing import NamedTuple


class Token(NamedTuple):
    """A piece of the text. `kind` is its own text for operators.

    Inside templates: "text" (raw), "${" and "%{" (`text` ends in ~ where space before goes), and "}" that ends them
    (`text` is "~}" where space after goes); '"' and "heredoc" begin a template, "end" ends it.
    """

    kind: str
    text: str
    start: int
    end: int
