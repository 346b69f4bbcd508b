"""A script in words: its commands in order, and what binds them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from capas.dockerfile.checks.shell import Command, Script, Word
from capas.dockerfile.meaning.commands.packages import MANAGERS
from capas.dockerfile.meaning.commands.tools import TOOLS
from capas.dockerfile.meaning.sentence import Plain, Sentence, told

_BRANCHES = re.compile(r"(?:^|[;&|(\n])\s*(?:if|for|while|until|case)\s")
_BEFORE = {"sudo", "exec", "env", "nice", "time", "command", "eatmydata"}
_BINDS = {
    "&&": told("only if that went well: {does}"),
    "||": told("only if that failed: {does}"),
    "|": told("which reads what the one before prints: {does}"),
    "|&": told("which reads what the one before prints, errors too: {does}"),
    "&": told("without waiting for that to end: {does}"),
}


def explain_script(script: Script) -> Iterator[Sentence]:
    """What each command does, in order; those inside `$(…)` are part of the command that uses them."""
    commands = list(_outermost(script.commands))
    if _BRANCHES.search(script.text):
        yield told("It has conditions or loops: some of these commands run only sometimes, or again and again")
    chained = len(commands) > 1 and {command.operator for command in commands[:-1]} == {"&&"}
    if chained:
        yield told("{n} commands, each only if the one before went well (&&)", n=len(commands))
    before = ""
    for command in commands:
        does = explain_command(command)
        if command.output and command.output.lstrip(">") != "/dev/null":
            does = _into(does, command.output)
        yield _BINDS[before]._replace(facts={"does": does}) if before in _BINDS else does
        before = "" if chained else command.operator


def explain_command(command: Command) -> Sentence:
    """One command."""
    inner = _without_prefix(command)
    name = inner.name.text.rpartition("/")[2]
    handler = MANAGERS.get(name) or TOOLS.get(name)
    found = handler(inner) if handler is not None else None
    return found or told("runs the command {command}", command=_text(command))


def _without_prefix(command: Command) -> Command:
    words: Sequence[Word] = (command.name, *command.words)
    while len(words) > 1 and words[0].text in _BEFORE:
        words = words[1:]
        while len(words) > 1 and ("=" in words[0].text or words[0].text.startswith("-")):
            words = words[1:]
    return command._replace(name=words[0], words=tuple(words[1:]))


def _outermost(commands: Sequence[Command]) -> Iterator[Command]:
    end = -1
    for command in commands:
        if command.name.start >= end or command.name.end == 0:
            yield command
            end = max(end, max((word.end for word in command.words), default=0))


def _into(does: Sentence, output: str) -> Sentence:
    path = output.lstrip(">")
    if output.startswith(">>"):
        return told("{does}, at the end of the file {path}", does=does, path=path)
    return told("{does}, into the file {path}", does=does, path=path)


def _text(command: Command) -> str:
    return " ".join(word.text for word in (command.name, *command.words)) or Plain('""')
