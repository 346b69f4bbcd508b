"""English words to the reader's language, from the one catalogue (`es.json`: English text → Spanish text); its numbers.

Where English is spoken the catalogue is never opened.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from capas.errors import Told, fill

_WORDY = frozenset(("why", "problem", "advice", "reason", "error"))
"""Facts that may themselves be texts of ours; names, paths and numbers stay as they are."""


def translate(text: str, language: str) -> str:
    """The text in this language ("en", "es"); itself where the catalogue does not have it."""
    return text if language == "en" else _catalogue(language).get(text, text)


def say(template: str, facts: Mapping[str, object], language: str) -> str:
    """A template in this language, with its facts; of a `Told` its own."""
    if isinstance(template, Told):
        return say(template.template, template.facts, language)
    return fill(translate(template, language), {key: _said(key, fact, language) for key, fact in facts.items()})


def _said(key: str, fact: object, language: str) -> object:
    if isinstance(fact, Told):
        return say(fact.template, fact.facts, language)
    return translate(fact, language) if key in _WORDY and isinstance(fact, str) else fact


def count_of(one: str, many: str, count: int, **facts: object) -> Told:
    """So many of something, as a fact of a sentence: both languages have one form for one and another for the rest.

    >>> str(count_of("{count} layer", "{count} layers", 1))
    '1 layer'
    """
    return Told(one if count == 1 else many, {**facts, "count": count})


class Words(Protocol):
    """The texts of one language, each filled with its facts."""

    def __call__(self, text: str, /, **facts: object) -> str: ...


def words_in(language: str) -> Words:
    """The words of this language ("en", "es")."""

    def words(text: str, /, **facts: object) -> str:
        return say(text, facts, language)

    return words


def write_number(number: float, language: str, digits: int = 0) -> str:
    """`12,345.6`, as the language writes it: `12.345,6`."""
    text = f"{number:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "es" else text


def write_bytes(size: float, language: str) -> str:
    """Three digits, in powers of 1000: `63.2 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            break
        size /= 1000
    digits = 0 if unit == "B" or size >= 99.95 else 1 if size >= 9.995 else 2
    return f"{write_number(size, language, digits)} {unit}"


def teach_gettext(language: str) -> None:
    """Let gettext ask the catalogue: it is where click looks up its own words ("Usage:", "Missing argument").

    Order: once for the process, before a command is parsed.
    """
    if language != "en":
        import gettext

        gettext.dgettext = lambda domain, message: translate(message, language)
        gettext.dngettext = lambda domain, msgid1, msgid2, n: translate(msgid1 if n == 1 else msgid2, language)


@functools.cache
def _catalogue(language: str) -> Mapping[str, str]:
    path = Path(__file__).with_name(f"{language}.json")
    found: Mapping[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found
