"""Shell: the commands in a RUN, as far as a check has to know them. Not a shell: what is odd is passed over.

Order: linear in the size of the script.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from capas.dockerfile.instructions import Heredoc, Run
from capas.dockerfile.position import Position
from capas.dockerfile.request import Request

_DEEPEST = 40
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"})
_OPERATOR = re.compile(r"&&|\|\||;;|\|&|[;&|\n()]")
_KEYWORDS = frozenset(
    {"if", "then", "else", "elif", "fi", "while", "until", "do", "done", "esac", "!", "{", "}", "time"}
)
_HEADS = frozenset({"for", "case", "select", "function"})  # what follows them is no command


class Word(NamedTuple):
    """A word without its quotes, and where it stands in the script."""

    text: str
    start: int
    end: int


class Command(NamedTuple):
    """A command's name and the words after it. `operator` ends it ("&&", "|", …, "" for none); `output` is the file
    that takes what it prints, with `>` or `>>` before it."""

    name: Word
    words: tuple[Word, ...]
    operator: str = ""
    output: str = ""

    @property
    def pipes(self) -> bool:
        """Whether what it prints goes into another command."""
        return self.operator in ("|", "|&")

    def has(self, *texts: str) -> bool:
        """Whether all of these words are among the arguments."""
        return set(texts) <= {word.text for word in self.words}

    def has_flag(self, *names: str) -> bool:
        """Whether one of these flags is given: "yes" as --yes, "y" also among others as in -qy."""
        return any(name in names for word in self.words for name in _flags(word.text))

    def count_flag(self, name: str) -> int:
        """How often a flag of one letter is given."""
        return sum(each == name for word in self.words for each in _flags(word.text))

    def flag_value(self, *names: str) -> str | None:
        """What follows one of these flags, after a blank or `=`."""
        for word, after in zip(self.words, (*self.words[1:], None), strict=True):
            name, equals, value = word.text.lstrip("-").partition("=")
            if word.text.startswith("-") and name in names:
                return value if equals else after.text if after else None
        return None

    def plain(self, *with_value: str) -> list[Word]:
        """The arguments that are no flags; these flags take the word after them along."""
        found, skip = [], False
        for word in self.words:
            if skip:
                skip = False
            elif not word.text.startswith("-"):
                found.append(word)
            else:
                skip = "=" not in word.text and word.text.lstrip("-") in with_value
        return found

    def is_call(self, name: str, *first: str) -> bool:
        """Whether it is this program with all of these arguments: `apt-get … install …`."""
        return self.name.text == name and self.has(*first)


class Mark(NamedTuple):
    """What begins or ends a branch or group: `if`, `then`, `done`, `;;`, `{`, `(`, … `for` and `case` have words.

    `operator` is what follows it.
    """

    word: Word
    words: tuple[Word, ...] = ()
    operator: str = ""


class Read(NamedTuple):
    """The commands and the marks of a script, each in the order of the text."""

    commands: tuple[Command, ...] = ()
    marks: tuple[Mark, ...] = ()


class Script(NamedTuple):
    """What a RUN executes. `place` gives the range of the Dockerfile that holds a range of the text."""

    text: str
    commands: tuple[Command, ...]
    place: Callable[[int, int], Position]
    marks: tuple[Mark, ...] = ()

    def at(self, *words: Word) -> Position:
        """Where these words stand, from the first to the last."""
        return self.place(words[0].start, words[-1].end)

    @property
    def has_pipes(self) -> bool:
        """Whether anything is piped."""
        return any(command.pipes for command in self.commands)


def read_script(request: Request, run: Run, *, posix: bool = True) -> Script:
    """The script of a RUN (`request` is its instruction, or the ONBUILD around it).

    In the language of another shell (not `posix`) or program (a `#!` line) nothing is looked for.
    """
    line = request.line
    if run.script is not None:
        known = is_posix(run.script.data.partition("\n")[0][2:].split()) if run.executable else posix
        read = _read(run.script.content, known)
        return Script(run.script.content, read.commands, _inside(run.script), read.marks)
    if run.command.shell:
        text = run.command.args[0]
        start = len(line.text) - len(text)
        read = _read(text, posix)
        return Script(text, read.commands, lambda a, b: line.at(start + a, start + b), read.marks)
    words = tuple(Word(text, 0, 0) for text in run.command.args)
    whole = line.at(request.rest_at, len(line.text))
    return Script(" ".join(run.command.args), (Command(words[0], words[1:]),), lambda a, b: whole)


def is_posix(shell: Sequence[str]) -> bool:
    """Whether one of these words is a shell whose language is read here."""
    return any(word.rpartition("/")[2] in _SHELLS for word in shell)


def _inside(doc: Heredoc) -> Callable[[int, int], Position]:
    starts = [0, *(found.end() for found in re.finditer("\n", doc.content))]

    def place(start: int, end: int) -> Position:
        row = bisect_right(starts, start) - 1
        return Position.at(doc.position.line + row, start - starts[row] + 1, max(end - start, 1))

    return place


def _flags(text: str) -> Iterator[str]:
    if text.startswith("--"):
        yield text[2:].partition("=")[0]
    elif text.startswith("-"):
        yield from text[1:]


def _read(text: str, known: bool) -> Read:
    if not known:
        return Read()
    reader = _Reader(text)
    reader.read("")
    commands = sorted(reader.commands, key=lambda command: command.name.start)
    return Read(tuple(commands), tuple(sorted(reader.marks, key=lambda mark: mark.word.start)))


class _Reader:
    """Walks the script once; a substitution is read by the same walk, one level deeper."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._output = ""
        self.commands: list[Command] = []
        self.marks: list[Mark] = []

    def read(self, stop: str) -> None:
        """The commands up to the stop character, and past it."""
        words: list[Word] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == stop:
                break
            if char in " \t\r":
                self._at += 1
            elif self._text.startswith("\\\n", self._at):
                self._at += 2
            elif char == "#":
                self._skip_comment()
            elif char in "<>":
                self._redirection()
            elif operator := self._operator():
                self._at += len(operator)
                self._end(words, operator)
                words = []
                if operator == "(" and stop == ")":
                    self._deeper(")")
            elif word := self._word(stop):
                words.append(word)
        self._at += 1
        self._end(words, "")

    def _end(self, words: list[Word], operator: str) -> None:
        while words and (words[0].text in _KEYWORDS or _is_assignment(words[0].text)):
            if words[0].text in _KEYWORDS:
                self.marks.append(Mark(words[0], operator=operator if len(words) == 1 else ""))
            words = words[1:]
        if words and words[0].text in _HEADS:
            self.marks.append(Mark(words[0], tuple(words[1:]), operator))
        elif words:
            self.commands.append(Command(words[0], tuple(words[1:]), operator, self._output))
        if operator in (";;", "(", ")"):
            self.marks.append(Mark(Word(operator, self._at - len(operator), self._at)))
        self._output = ""

    def _operator(self) -> str:
        found = _OPERATOR.match(self._text, self._at)
        return found.group() if found else ""

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def _redirection(self) -> None:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] in "<>&-":
            self._at += 1
        mark = self._text[start : self._at]
        while self._at < len(self._text) and self._text[self._at] in " \t":
            self._at += 1
        if self._at < len(self._text) and not self._operator():
            word = self._word("")
            if word is not None and mark in (">", ">>"):
                self._output = mark + word.text

    def _word(self, stop: str) -> Word | None:
        """The next word; what is only a redirection or an empty pair of quotes is none."""
        start, letters = self._at, []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == stop or char in " \t\r<>" or self._operator():
                break
            letters.append(self._piece(char))
        text = "".join(letters)
        if self._at < len(self._text) and self._text[self._at] in "<>" and text.isdecimal():
            before = self._output
            self._redirection()  # the 2 of 2>&1
            self._output = self._output if text == "1" else before
            text = ""
        self._at = max(self._at, start + 1)
        return Word(text, start, min(self._at, len(self._text))) if text else None

    def _piece(self, char: str) -> str:
        self._at += 1
        if char == "\\":
            self._at += 1
            return self._text[self._at - 1 : self._at].replace("\n", "")
        if char == "'":
            return self._until_quote("'")
        if char == '"':
            return self._double()
        if char == "`":
            return self._substitution("`")
        if char == "$" and self._text.startswith("(", self._at):
            self._at += 1
            return self._substitution(")")
        if char == "$" and self._text.startswith("{", self._at):
            return "$" + self._until_quote("}") + "}"
        return char

    def _until_quote(self, quote: str) -> str:
        end = self._text.find(quote, self._at)
        end = len(self._text) if end < 0 else end
        found = self._text[self._at : end]
        self._at = end + 1
        return found

    def _double(self) -> str:
        letters = []
        while self._at < len(self._text) and self._text[self._at] != '"':
            letters.append(self._piece(self._text[self._at]) if self._text[self._at] in "\\`$" else self._plain())
        self._at += 1
        return "".join(letters)

    def _plain(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _substitution(self, stop: str) -> str:
        start = self._at
        self._deeper(stop)
        return f"$({self._text[start : self._at - 1]})"

    def _deeper(self, stop: str) -> None:
        if self._depth >= _DEEPEST:
            self._at = len(self._text)
            return
        self._depth += 1
        self.read(stop)
        self._depth -= 1


def _is_assignment(text: str) -> bool:
    name, equals, _ = text.partition("=")
    return bool(equals) and name.replace("_", "a").isalnum() and not name[0].isdecimal()
