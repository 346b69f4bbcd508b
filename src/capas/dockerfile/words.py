"""Words: the ways an instruction's text is cut, before variables are replaced.

Spec: Dockerfile reference, "Shell and exec form", "ENV", "ARG"; the quoting rules are those of BuildKit's parser.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from capas.errors import Invalid

BLANKS = re.compile(r"[\t\v\f\r ]+")
_PLAIN_WORD = re.compile(r"[^\s'\"\\`]+")


class Word(NamedTuple):
    """A word and where it begins and ends in the text it was cut from."""

    text: str
    start: int
    end: int


def split_blanks(text: str, start: int = 0) -> list[Word]:
    """The words between blanks; quotes mean nothing here (FROM, COPY, EXPOSE, VOLUME)."""
    return [Word(found.group(), found.start(), found.end()) for found in _NOT_BLANK.finditer(text, start)]


_NOT_BLANK = re.compile(r"[^\t\v\f\r ]+")


def split_quoted(text: str, escape: str, start: int = 0) -> list[Word]:
    """The words between unquoted blanks; quotes and escapes stay in the word (ENV, LABEL, ARG)."""
    words: list[Word] = []
    at = start
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        end = _end_of_word(text, at, escape)
        word = text[at:end]
        # an escape as the very last character escapes nothing: it goes
        if end == len(text) and _ends_open(word, escape):
            word = word[:-1]
        if word:
            words.append(Word(word, at, end))
        at = end
    return words


def _end_of_word(text: str, at: int, escape: str) -> int:
    quote = ""
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'":
            at += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char.isspace():
            return at
        elif char in "'\"":
            quote = char
        at += 1
    return len(text)


def _ends_open(word: str, escape: str) -> bool:
    """Whether the last character is an escape that is not itself escaped."""
    count = len(word) - len(word.rstrip(escape))
    return count % 2 == 1 and not _in_single_quote(word, escape)


def _in_single_quote(word: str, escape: str) -> bool:
    quote, at = "", 0
    while at < len(word):
        char = word[at]
        if char == escape and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        at += 1
    return quote == "'"


def split_flags(text: str, start: int = 0) -> tuple[list[Word], int]:
    """The leading `--words` of an instruction, quotes and escapes resolved, and where the rest begins."""
    flags: list[Word] = []
    at = start
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if not text.startswith("--", at):
            return flags, at
        begin = at
        word, at = _flag(text, at)
        if word == "--":
            return flags, at
        flags.append(Word(word, begin, at))


def _flag(text: str, at: int) -> tuple[str, int]:
    letters: list[str] = []
    quote = ""
    while at < len(text):
        char = text[at]
        if char == "\\":  # whatever the escape directive says, as docker
            at += 1
            letters.append(text[at : at + 1])
        elif quote:
            if char == quote:
                quote = ""
            else:
                letters.append(char)
        elif char.isspace():
            break
        elif char in "'\"":
            quote = char
        else:
            letters.append(char)
        at += 1
    return "".join(letters), min(at, len(text))


def find_json(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON list, or None where the text is not one (docker then reads it as the shell form).

    Raises: Invalid for a list that holds anything but strings.
    """
    stripped = text.strip()
    if not stripped.startswith("["):
        return None
    try:
        value = json.loads(stripped, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, list):
        return None
    if not all(isinstance(item, str) for item in value):
        raise Invalid("a JSON list here may hold only strings", hint="put every item in double quotes")
    return tuple(item.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for item in value)


def _refuse(name: str) -> object:
    raise ValueError(name)
