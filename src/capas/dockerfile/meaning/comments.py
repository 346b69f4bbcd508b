"""Comments and parser directives: the lines that begin with `#`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from capas.dockerfile.meaning.sentence import Listed, Plain, Sentence, told

_IGNORES = re.compile(r"#\s*hadolint\s+(?:global\s+)?ignore=(.+)")


def explain_comment(text: str) -> Iterator[Sentence]:
    """A line, or several, that no builder reads."""
    ignored = [name for found in _IGNORES.finditer(text) for name in re.split(r"[,\s]+", found[1].strip()) if name]
    if ignored:
        yield told("Tells `capas lint` and hadolint to let {items} pass", items=Listed(tuple(ignored)))
    elif text.startswith("#!"):
        yield told("Lets the file be started like a program; a builder skips it")
    else:
        yield told("A comment, for people: no builder reads it")


def explain_directive(key: str, value: str) -> Iterator[Sentence]:
    """`# syntax=…`, `# escape=…`, `# check=…`."""
    if key == "syntax":
        yield told("Says in which version of the Dockerfile language the file is written: {value}", value=value)
        yield told(
            "docker fetches the image of that name to read the file; Capas reads it by itself and fetches nothing"
        )
    elif key == "escape":
        yield told(
            "Makes {value} the sign that a line goes on, and that takes its meaning from the next letter", value=value
        )
        if value == "`":
            yield told("so that Windows paths with \\ can be written")
    else:
        yield from _check(value)


def _check(value: str) -> Iterator[Sentence]:
    for part in value.split(";"):
        name, _, given = (piece.strip() for piece in part.partition("="))
        rules = Listed(tuple(rule.strip() for rule in given.split(",")))
        if name == "skip":
            yield told("The checks of a build do not look for {rules}", rules=rules)
        elif name == "error":
            yield told("A finding of a check makes the build fail (`error={value}`)" if given.lower() in ("true", "1",
                                                                                                          "t")
                       else "A finding of a check is only a warning (`error={value}`)", value=Plain(given))  # fmt: skip
        elif name == "experimental":
            yield told("The checks look for {rules} too, which are still on trial", rules=rules)
