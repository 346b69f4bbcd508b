"""A request: one instruction cut into its keyword, its flags and the rest, with the ways to read each."""

from __future__ import annotations

from typing import NamedTuple

from capas.dockerfile.lexer import Line
from capas.dockerfile.position import Position
from capas.dockerfile.source import suggest
from capas.dockerfile.words import Word, find_json, split_blanks, split_flags
from capas.errors import CapasError, Invalid

TEXT, LIST, SWITCH = "text", "list", "switch"


class Request(NamedTuple):
    """One instruction before it is understood. Offsets are into `line.text`."""

    line: Line
    keyword: Word
    flags: tuple[Word, ...]
    rest_at: int

    @property
    def name(self) -> str:
        """The keyword in capitals."""
        return self.keyword.text.upper()

    @property
    def rest(self) -> str:
        """What follows the keyword and its flags."""
        return self.line.text[self.rest_at :]

    @property
    def original(self) -> str:
        """The instruction as one line."""
        return self.line.text[self.keyword.start :]

    @property
    def position(self) -> Position:
        """Where the instruction stands."""
        return self.line.position

    def fault(self, problem: str, word: Word | None = None, *, hint: str = "", **facts: object) -> Invalid:
        """An error at a word, or at the whole instruction. `{instruction}` is always among its facts."""
        where = word or Word("", self.keyword.start, len(self.line.text))
        return self.line.fault(problem, where.start, where.end, hint=hint, instruction=self.name[:40], **facts)

    def refuse(self, error: CapasError, word: Word | None = None) -> Invalid:
        """What was said of a word, at the place of the word."""
        return self.fault(error.told, word, hint=error.advised)

    def words(self) -> list[Word]:
        """The rest, cut at its blanks."""
        return split_blanks(self.line.text, self.rest_at)

    def rest_word(self) -> Word:
        """The rest as a single word. Raises: Invalid where there is none."""
        if not self.rest:
            raise self.fault("{instruction} requires exactly one argument")
        return Word(self.rest, self.rest_at, len(self.line.text))

    def find_list(self, start: int | None = None) -> tuple[str, ...] | None:
        """The rest as a JSON list of strings, or None. Raises: Invalid for a list of anything else."""
        at = self.rest_at if start is None else start
        try:
            return find_json(self.line.text[at:])
        except CapasError as error:
            raise self.refuse(error, Word("", at, len(self.line.text))) from None

    def arguments(self) -> list[Word]:
        """The rest as a JSON list or as words. Raises: Invalid where there is none."""
        items = self.find_list()
        end = len(self.line.text)
        found = self.words() if items is None else [Word(item, self.rest_at, end) for item in items]
        if not found:
            raise self.fault("{instruction} requires at least one argument")
        return found


class Flags(NamedTuple):
    """The flags of one instruction, by name."""

    values: dict[str, list[Word]]

    def text(self, name: str, default: str = "") -> str:
        """The value of a flag given at most once."""
        word = self.word(name)
        return default if word is None else word.text

    def word(self, name: str) -> Word | None:
        """The value with its place."""
        return self.values[name][0] if name in self.values else None

    def list(self, name: str) -> list[Word]:
        """Every value of a flag that may be given often."""
        return self.values.get(name, [])

    def switch(self, name: str) -> bool | None:
        """A flag that is on or off; None where it was not given."""
        word = self.word(name)
        return None if word is None else word.text == "true"


def cut(line: Line, start: int = 0) -> Request:
    """Find keyword, flags and rest of an instruction that begins at `start`."""
    text = line.text
    while start < len(text) and text[start].isspace():
        start += 1
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    flags, rest_at = split_flags(text, end)
    while rest_at < len(text) and text[rest_at].isspace():
        rest_at += 1
    return Request(line, Word(text[start:end], start, end), tuple(flags), rest_at)


def read_flags(request: Request, known: dict[str, str]) -> Flags:
    """The flags, each of a known name and kind: a flag that is not known is an error, never passed over.

    Raises: Invalid for an unknown flag, one given twice, one without its value or with a wrong one.
    """
    values: dict[str, list[Word]] = {}
    for flag in request.flags:
        name, equals, value = flag.text[2:].partition("=")
        kind = known.get(name)
        if kind is None:
            raise _unknown(request, flag, name, tuple(known))
        if name in values and kind != LIST:
            raise request.fault("the flag --{name} is given twice", flag, name=name)
        if kind == SWITCH:
            value = _switch(request, flag, value, given=bool(equals))
        elif not equals:
            raise request.fault("the flag --{name} needs a value", flag, hint="write --{name}=…", name=name)
        values.setdefault(name, []).append(Word(value, flag.start, flag.end))
    return Flags(values)


def _switch(request: Request, flag: Word, value: str, *, given: bool) -> str:
    if not given:
        return "true"
    if value.lower() not in ("true", "false"):
        raise request.fault(
            "{name} is true or false, not {value!r}", flag, name=flag.text.partition("=")[0], value=value[:40]
        )
    return value.lower()


def _unknown(request: Request, flag: Word, name: str, known: tuple[str, ...]) -> Invalid:
    if not known:
        return request.fault("{instruction} has no flags: --{name}", flag, name=name[:40])
    meant = suggest(name, known)
    listed = ", ".join(f"--{each}" for each in known)
    hint = "did you mean {meant}?" if meant else "{instruction} knows {listed}"
    return request.fault(
        "unknown flag --{name} of {instruction}", flag, hint=hint, name=name[:40], meant=f"--{meant}", listed=listed
    )


def one_of(request: Request, word: Word | None, known: tuple[str, ...], problem: str) -> str:
    """The word, if it is one of those known (the first of them where there is none).

    Raises: Invalid, with the problem: a template over `{text}`.
    """
    if word is None:
        return known[0]
    if word.text in known:
        return word.text
    meant = suggest(word.text, known)
    hint = "did you mean {meant}?" if meant else "it is one of {known}"
    raise request.fault(problem, word, hint=hint, text=word.text[:40], meant=meant, known=", ".join(known))
