"""The white space of templates: what `~` takes away, and the indentation of `<<-` heredocs.

Spec: HCL Native Syntax Specification, "Template Literals"; what it leaves open is as hclsyntax does it: a text ends
with its line, `~` trims one text, and what was trimmed begins no line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capas.bake.hcl.token import Token

_OPENINGS = ('"', "heredoc")
_EXPRESSIONS = ("${", "%{")


def trim(tokens: Sequence[Token]) -> list[Token]:
    """The tokens of a template with the white space beside `~` gone."""
    found = list(tokens)
    for at in _iter_texts(found):
        text = found[at].text
        if at and found[at - 1].text == "~}":
            text = text.lstrip()
        if at + 1 < len(found) and found[at + 1].kind in _EXPRESSIONS and found[at + 1].text.endswith("~"):
            text = text.rstrip()
        found[at] = found[at]._replace(text=text)
    return found


def flush(tokens: Sequence[Token]) -> list[Token]:
    """The tokens of a heredoc, less the indentation that its lines share."""
    found = list(tokens)
    beginnings = list(_iter_beginnings(found))
    widths = [_indentation(found[at]) for at in beginnings]
    width = min((one for one in widths if one is not None), default=0)
    for at, own in zip(beginnings, widths, strict=True):
        if own is not None and found[at].kind == "text":
            found[at] = found[at]._replace(text=found[at].text[width:])
    return found


def _iter_beginnings(tokens: Sequence[Token]) -> Iterator[int]:
    """The places of tokens that begin a line."""
    fresh = True
    texts = set(_iter_texts(tokens))
    for at, token in enumerate(tokens):
        if fresh:
            yield at
        fresh = at in texts and token.text.endswith("\n")


def _indentation(token: Token) -> int | None:
    """How far a line is indented; None for an empty one."""
    if token.kind != "text":
        return 0
    bare = token.text.lstrip()
    return None if not bare and token.text.endswith("\n") else len(token.text) - len(bare)


def _iter_texts(tokens: Sequence[Token]) -> Iterator[int]:
    """The places of the template's own texts: not of those in its expressions."""
    depth = 0
    for at, token in enumerate(tokens):
        if token.kind in _OPENINGS:
            depth += 1
        elif token.kind == "end":
            depth -= 1
        elif token.kind == "text" and depth == 0:
            yield at
