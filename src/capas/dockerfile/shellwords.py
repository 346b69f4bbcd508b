"""Shell words: quotes, escapes and variables as the builder reads them, which is nearly as a shell does.

Spec: Dockerfile reference, "Environment replacement". `$name`, `${name}`, and inside the braces `-` `+` `?` (with `:`
an empty value counts as none), `#` `##` `%` `%%` (trim a pattern), `/` and `//` (replace one).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from capas.dockerfile.pattern import Pattern
from capas.errors import Invalid

_DEEPEST = 50
_SPECIAL = frozenset("@*#?-$!0")


class Rules(NamedTuple):
    """How a word is read. The defaults are those of ENV, LABEL, COPY and the rest."""

    escape: str = "\\"
    keep_quotes: bool = False
    keep_escapes: bool = False
    plain_quotes: bool = False  # quotes are characters like others (heredocs)
    keep_unset: bool = False  # a variable without a value stays as written


class Read(NamedTuple):
    """A word read: as one text, cut at its unquoted blanks, and the variables met, with a value and without."""

    text: str
    words: tuple[str, ...]
    used: frozenset[str]
    missing: frozenset[str]


def read_shell(text: str, variables: Mapping[str, str], rules: Rules | None = None) -> Read:
    """What the text says once its variables are replaced.

    Raises: Invalid for an open quote or brace, an unknown modifier, and for `${name?message}` without a value.
    """
    reader = _Reader(text, variables, rules or Rules())
    out = reader.until("")
    return Read("".join(out.text), out.list_words(), frozenset(reader.used), frozenset(reader.missing))


class _Out:
    """What has been read so far, as text and as words."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self._words: list[str] = []
        self._word: list[str] = []

    def quoted(self, text: str) -> None:
        """Text in which blanks do not end a word."""
        self.text.append(text)
        self._word.append(text)

    def open(self, text: str) -> None:
        """Text whose blanks end words."""
        self.text.append(text)
        for char in text:
            if char.isspace():
                self._end()
            else:
                self._word.append(char)

    def list_words(self) -> tuple[str, ...]:
        """The words; an empty one is none."""
        self._end()
        return tuple(self._words)

    def _end(self) -> None:
        word = "".join(self._word)
        if word:
            self._words.append(word)
        self._word = []


class _Reader:
    """One pass over a text, left to right."""

    def __init__(self, text: str, variables: Mapping[str, str], rules: Rules) -> None:
        self._text = text
        self._at = 0
        self._variables = variables
        self._rules = rules
        self._keep_escapes = rules.keep_escapes
        self._depth = 0
        self.used: set[str] = set()
        self.missing: set[str] = set()

    def until(self, stop: str) -> _Out:
        """Read on to the stop character (and past it), or to the end."""
        out = _Out()
        while char := self._peek():
            if char == stop:
                self._at += 1
                return out
            if char == "$":
                out.open(self._dollar())
            elif char in "'\"" and not self._rules.plain_quotes:
                out.quoted(self._single() if char == "'" else self._double())
            elif char == self._rules.escape:
                self._escape(out)
            else:
                out.open(self._next())
        if stop:
            raise _bad("'}' is missing in a variable" if stop == "}" else "the second '/' of a variable is missing")
        return out

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _escape(self, out: _Out) -> None:
        escape = self._next()
        if self._keep_escapes:
            out.quoted(escape)
        out.quoted(self._next())

    def _single(self) -> str:
        start = self._at
        end = self._text.find("'", start + 1)
        if end < 0:
            raise _bad("a single quote is never closed")
        self._at = end + 1
        return self._text[start : end + 1] if self._rules.keep_quotes else self._text[start + 1 : end]

    def _double(self) -> str:
        quote = self._next() if self._rules.keep_quotes else self._next()[:0]
        out = [quote]
        while char := self._peek():
            if char == '"':
                self._at += 1
                return "".join(out) + quote
            if char == "$":
                out.append(self._dollar())
            elif char == self._rules.escape:
                out.append(self._escape_in_double())
            else:
                out.append(self._next())
        raise _bad("a double quote is never closed")

    def _escape_in_double(self) -> str:
        escape = self._next()
        kept = escape if self._keep_escapes else ""
        if self._peek() in ('"', "$", escape):
            return kept + self._next()
        return kept + escape if self._peek() else kept

    def _dollar(self) -> str:
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            value = self._value(name)
            return ("$" + name if self._rules.keep_unset else "") if value is None else value
        self._at += 1
        if self._peek() in ("", "{", "}", ":"):
            raise _bad("a variable in braces has no name" if self._peek() else "'}' is missing in a variable")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _bad("variables are nested more than {limit} deep", limit=_DEEPEST)
        text = self._braces(self._name())
        self._depth -= 1
        return text

    def _braces(self, name: str) -> str:
        mark = self._next()
        if mark == "}":
            value = self._value(name)
            return ("${" + name + "}" if self._rules.keep_unset else "") if value is None else value
        if mark == "/":
            return self._replaced(name)
        colon = mark == ":"
        if colon:
            mark = self._next()
        if not mark or mark not in ("-+?" if colon else "-+?#%"):
            raise _bad(
                "unknown modifier {mark!r} of the variable {name}", mark=(":" if colon else "") + mark, name=name
            )
        word = self._inner("}", keep_escapes=mark in "#%")
        value = self._value(name)
        if value is None and self._rules.keep_unset:
            return "${" + name + (":" if colon else "") + mark + word + "}"
        if mark in "#%":
            return _trimmed(mark, word, value or "")
        return _chosen(name, mark, word, value, colon=colon)

    def _replaced(self, name: str) -> str:
        every = self._peek() == "/"
        if every:
            self._at += 1
        pattern = self._inner("/", keep_escapes=True)
        replacement = self._inner("}", keep_escapes=True)
        value = self._value(name)
        if value is None and self._rules.keep_unset:
            return "${" + name + "/" + pattern + "/" + replacement + "}"
        return Pattern(pattern).replace(value or "", replacement, every=every)

    def _inner(self, stop: str, *, keep_escapes: bool) -> str:
        before, self._keep_escapes = self._keep_escapes, keep_escapes
        out = self.until(stop)
        self._keep_escapes = before
        return "".join(out.text)

    def _name(self) -> str:
        first = self._peek()
        if first in _SPECIAL and not first.isdecimal():
            return self._next()
        start = self._at
        if first.isdecimal():
            while self._peek().isdecimal():
                self._at += 1
        else:
            while self._peek().isalnum() or self._peek() == "_":
                self._at += 1
        return self._text[start : self._at]

    def _value(self, name: str) -> str | None:
        value = self._variables.get(name)
        (self.missing if value is None else self.used).add(name)
        return value


def _trimmed(mark: str, word: str, value: str) -> str:
    longest = word.startswith(mark)
    pattern = Pattern(word[1:] if longest else word)
    trim = pattern.trim_prefix if mark == "#" else pattern.trim_suffix
    return trim(value, longest=longest)


def _chosen(name: str, mark: str, word: str, value: str | None, *, colon: bool) -> str:
    absent = value is None or (colon and not value)
    if mark == "+":
        return "" if absent else word
    if not absent:
        return value or ""
    if mark == "-":
        return word
    why = word or ("is not allowed to be unset" if value is None else "is not allowed to be empty")
    raise Invalid("{variable}: {why}", variable=name, why=why, hint="give it a value with ARG, ENV or --build-arg")


def _bad(problem: str, **facts: str | int) -> Invalid:
    return Invalid(problem, hint="", **facts)
