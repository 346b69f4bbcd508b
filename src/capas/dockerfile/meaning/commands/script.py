"""A script in words: its commands in order, and what binds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capas.dockerfile.checks.shell import Command, Script, Word
from capas.dockerfile.meaning.commands.branches import BINDS, Branches
from capas.dockerfile.meaning.commands.packages import MANAGERS
from capas.dockerfile.meaning.commands.tools import TOOLS
from capas.dockerfile.meaning.sentence import Plain, Sentence, told

_BEFORE = {"sudo", "exec", "env", "nice", "time", "command", "eatmydata"}


def explain_script(script: Script) -> Iterator[Sentence]:
    """What each command does, in order; those inside `$(…)` are part of the command that uses them."""
    heads = [(mark.words[0].start, mark.words[-1].end) for mark in script.marks if mark.words]
    commands = [
        command for command in _outermost(script.commands)
        if not any(start <= command.name.start < end for start, end in heads)
    ]  # fmt: skip
    branches = Branches(script.marks)
    chained = len(commands) > 1 and {command.operator for command in commands[:-1]} == {"&&"} and not script.marks
    if chained:
        yield told("{n} commands, each only if the one before went well (&&)", n=len(commands))
    before = ""
    for command in commands:
        binding = branches.reach(command, before)
        if binding is None:
            before = ""
            continue
        does = explain_command(command)
        if command.output and command.output.lstrip(">") != "/dev/null":
            does = _into(does, command.output)
        if binding in BINDS:
            does = BINDS[binding]._replace(facts={"does": does})
        yield branches.place(does)
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
