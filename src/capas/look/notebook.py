"""HTML for notebooks: what images hold stays text there, of which neither a browser nor MathJax makes anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from capas.printable import shortened, shown_name

_LONGEST = 120


def frame(*parts: str) -> str:
    """Parts of HTML in one box, which scrolls where the notebook is narrower. MathJax leaves it alone."""
    return f'<div class="tex2jax_ignore mathjax_ignore" style="overflow-x: auto">{"".join(parts)}</div>'


def name(text: str) -> str:
    """The name of a file, whole; what a browser would obey or not show is written out."""
    return f"<code>{escape(shown_name(text))}</code>"


def words(text: str) -> str:
    """Any other text, on one line and not for ever."""
    return escape(shortened(text, _LONGEST))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells that are HTML already; nothing where there is no row."""
    body = "".join(f"<tr>{''.join(f'<td {_LEFT}>{cell}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f"<th {_LEFT}>{escape(text)}</th>" for text in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""


def folded(title: str, body: str) -> str:
    """What opens by a click; nothing where there is nothing in it."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>" if body else ""


_LEFT = 'style="text-align: left"'
