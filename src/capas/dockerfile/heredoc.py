"""Heredocs: finding `<<EOF` among the words of an instruction.

Spec: Dockerfile reference, "Here-documents".
"""

from __future__ import annotations

import re

from capas.dockerfile.instructions import Heredoc
from capas.dockerfile.shellwords import Rules, read_shell
from capas.errors import CapasError

_MARK = re.compile(r"([0-9]*)<<(-?)([^<]+)", re.DOTALL)
_AS_WRITTEN = Rules(keep_quotes=True, keep_escapes=True, keep_unset=True)
_UNQUOTED = Rules(keep_unset=True)
_QUOTED = Rules(keep_unset=True, keep_quotes=True)


def list_heredocs(text: str) -> list[Heredoc]:
    """The heredocs that a command line announces, without their contents, in order."""
    if "<<" not in text:
        return []
    try:
        words = read_shell(text, {}, _AS_WRITTEN).words
    except CapasError:  # an open quote is the shell's business, not ours
        return []
    found = (find_heredoc(word) for word in words)
    return [doc for doc in found if doc is not None]


def find_heredoc(word: str) -> Heredoc | None:
    """The heredoc that this word announces, if it does."""
    mark = _MARK.fullmatch(word)
    if mark is None:
        return None
    try:
        plain = read_shell(mark[3], {}, _UNQUOTED).words
        quoted = read_shell(mark[3], {}, _QUOTED).words
    except CapasError:
        return None
    if len(plain) != 1 or len(quoted) != 1:
        return None
    return Heredoc(plain[0], "", expand=_quotes(plain[0]) == _quotes(quoted[0]), chomp=mark[2] == "-")


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')
