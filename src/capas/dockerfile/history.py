"""History: what builders leave of an instruction in an image, and the instruction again."""

from __future__ import annotations

import re

_TEXT_LIMIT = 20_000
_NOTHING = re.compile(r"^/bin/sh -c #\(nop\)\s+")
_SHELL = re.compile(r"^(?:RUN\s+)?(?:\|\d+\s.*?)?/bin/sh -c\s+", re.DOTALL)
_BUILDKIT = re.compile(r"\s+# buildkit\s*$")


def split_instruction(created_by: str) -> tuple[str, str]:
    """The instruction and what follows it, of a step as builders write it down.

    >>> split_instruction('/bin/sh -c #(nop)  CMD ["nginx"]')
    ('CMD', '["nginx"]')
    >>> split_instruction("RUN /bin/sh -c apt-get update # buildkit")
    ('RUN', 'apt-get update')
    """
    text = _BUILDKIT.sub("", created_by[:_TEXT_LIMIT].strip())
    plain = _NOTHING.sub("", text)
    if plain == text:
        shell = _SHELL.sub("", text)
        if shell != text:
            return "RUN", shell.strip()
    word, _, rest = plain.partition(" ")
    return (word, rest.strip()) if word.isascii() and word.isalpha() and word.isupper() else ("", plain)
