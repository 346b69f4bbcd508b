"""Paragraphs of `Field: value`, as Debian's control files and Python's METADATA are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Paragraph = Mapping[str, tuple[str, ...]]


def iter_paragraphs(text: str) -> Iterator[Paragraph]:
    """Each paragraph: fields in lower case, with every value they were given; what is no field is passed over.

    Spec: Debian policy 5.1; PyPA core metadata (its body ends the first paragraph).
    """
    fields: dict[str, list[str]] = {}
    last: list[str] = []
    for line in text.splitlines():
        if not line.strip():
            if fields:
                yield {name: tuple(values) for name, values in fields.items()}
            fields, last = {}, []
        elif line[0] in " \t":
            if last:
                last[-1] += "\n" + line.strip()
        else:
            name, colon, value = line.partition(":")
            last = fields.setdefault(name.strip().lower(), []) if colon else []
            if colon:
                last.append(value.strip())
    if fields:
        yield {name: tuple(values) for name, values in fields.items()}


def first(paragraph: Paragraph, *names: str) -> str:
    """The first line of the first field that is there, else an empty text."""
    for name in names:
        for value in paragraph.get(name, ()):
            if value:
                return value.split("\n", 1)[0].strip()
    return ""
