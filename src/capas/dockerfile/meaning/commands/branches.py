"""Branches, loops and groups of a script: under which of them a command stands, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from capas.dockerfile.checks.shell import Command, Mark, Word
from capas.dockerfile.meaning.sentence import Fact, Listed, Plain, Sentence, told

BINDS = {
    "&&": told("only if that went well: {does}"),
    "||": told("only if that failed: {does}"),
    "|": told("which reads what the one before prints: {does}"),
    "|&": told("which reads what the one before prints, errors too: {does}"),
    "&": told("without waiting for that to end: {does}"),
}
_SAID = {
    "if": told("whether this goes well decides what follows: {does}"),
    "elif": told("else whether this goes well decides: {does}"),
    "then": told("if so: {does}"),
    "else": told("if not: {does}"),
    "while": told("as long as this goes well: {does}"),
    "until": told("until this goes well: {does}"),
    "do": told("again and again: {does}"),
}
_FOR = told("for each {name} of {items}: {does}")
_FOR_ALL = told("for each {name} of what the script is given: {does}")
_CASE = told("if {word} is like {pattern}: {does}")
_PLAIN = Sentence("")
_GROUPS = {"{": "}", "(": ")"}
_CLOSES = {"fi": ("if",), "done": ("while", "until", "for", "select"), "esac": ("case",), "}": ("{",), ")": ("(",)}
_KNOWN = frozenset((*_SAID, *_CLOSES, *_GROUPS, "for", "select", "case", ";;"))


class _Branch(NamedTuple):
    """What opened it, and what is said of a command in it: nothing where the template is empty."""

    opener: str
    said: Sentence


class Branches:
    """Walks the marks of a script beside its commands, which are asked for in the order of the text."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._marks = [mark for mark in marks if mark.word.text in _KNOWN]
        self._open: list[_Branch] = []  # the innermost last
        self._binding = ""  # what binds the command or the group that comes next to what is before it

    def reach(self, command: Command, before: str) -> str | None:
        """What binds a command to what stands before it; `before`: the operator after the command before it.

        None for what is no command but a pattern of `case`: what follows stands under it.
        """
        self._binding = before
        while self._marks and self._marks[0].word.start < command.name.start:
            self._pass(self._marks.pop(0))
        if not self._open or self._open[-1].opener != "case" or self._open[-1].said.template:
            return self._binding
        self._like(" ".join(word.text for word in (command.name, *command.words)), command.operator)
        return None

    def place(self, does: Sentence) -> Sentence:
        """What the command does, with the branch that it stands in. Only the innermost is said."""
        said = self._open[-1].said if self._open else _PLAIN
        return said._replace(facts={**said.facts, "does": does}) if said.template else does

    def _pass(self, mark: Mark) -> None:
        name, binding, self._binding = mark.word.text, self._binding, mark.operator
        if name in _GROUPS:
            around = self._open[-1].said if self._open else _PLAIN
            self._open.append(_Branch(name, BINDS.get(binding, around)))
        elif name in ("for", "select"):
            self._open.append(_Branch(name, _loop(mark.words)))
        elif name == "case":
            self._open.append(_Branch(name, _of(mark.words)))
            if len(mark.words) > 2:
                self._like(mark.words[-1].text, mark.operator)
        elif name in ("if", "while", "until"):
            self._open.append(_Branch(name, _SAID[name]))
        elif self._open:
            self._turn(name)

    def _turn(self, name: str) -> None:
        """Within a branch: on to its next part, or out of it. A word that has no place there changes nothing."""
        opener, said = self._open[-1]
        if name in _CLOSES:
            if opener in _CLOSES[name]:
                self._open.pop()
        elif name == ";;" and opener == "case":
            self._open[-1] = _Branch(opener, Sentence("", {"word": said.facts["word"]}))
        elif opener == "if" or (name == "do" and opener in ("while", "until")):
            self._open[-1] = _Branch(opener, _SAID.get(name, said))

    def _like(self, pattern: str, operator: str) -> None:
        """One more pattern of an arm; `)` ends them."""
        facts = self._open[-1].said.facts
        before = f"{facts['pattern']}|" if "pattern" in facts else ""
        template = _CASE.template if operator == ")" else ""
        self._open[-1] = _Branch("case", Sentence(template, {**facts, "pattern": before + pattern}))


def _loop(words: Sequence[Word]) -> Sentence:
    facts: dict[str, Fact] = {"name": words[0].text if words else Plain('""')}
    items: tuple[Fact, ...] = tuple(word.text for word in words[2:])
    return _FOR._replace(facts={**facts, "items": Listed(items)}) if items else _FOR_ALL._replace(facts=facts)


def _of(words: Sequence[Word]) -> Sentence:
    return Sentence("", {"word": words[0].text if words else Plain('""')})
