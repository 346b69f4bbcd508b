"""RUN: the commands, who runs them where, and what its flags lend it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from capas.dockerfile.checks.shell import Script, is_posix
from capas.dockerfile.instructions import Run
from capas.dockerfile.meaning.commands.script import explain_script
from capas.dockerfile.meaning.mounts import explain_mount
from capas.dockerfile.meaning.scene import DEFAULT_SHELL, Scene
from capas.dockerfile.meaning.sentence import Listed, Risk, Sentence, counted, told
from capas.dockerfile.meaning.starting import show

_STOPS = re.compile(r"\bset\s+-\w*e|\berrexit\b")


def explain_run(run: Run, script: Script | None, scene: Scene) -> Iterator[Sentence | Risk]:
    """A RUN. `script`: its commands, None where they are not known."""
    yield from _head(run, scene)
    yield from _lines(run, scene)
    commands = list(explain_script(script)) if script is not None else []
    if commands:
        yield from commands
    else:
        yield told("runs the command {command}", command=show(run.full_command))
    for mount in run.mounts:
        yield from explain_mount(mount)
    yield from _flags(run)


def _head(run: Run, scene: Scene) -> Iterator[Sentence]:
    ways: list[Sentence] = []
    if run.command.shell and run.executable is None:
        ways.append(told("by {shell}", shell=" ".join(scene.shell or DEFAULT_SHELL)))
    if scene.user:
        ways.append(told("as {user}", user=scene.user))
    if scene.workdir:
        ways.append(told("in {path}", path=scene.workdir))
    if ways:
        yield told("Makes a new layer of what this changes, run {ways}:", ways=Listed(tuple(ways)))
    else:
        yield told("Makes a new layer of what this changes:")
    if not run.command.shell:
        yield told("Exec form: no shell is needed, and variables and && mean nothing")


def _lines(run: Run, scene: Scene) -> Iterator[Sentence]:
    """What its heredocs are for."""
    if run.executable is not None:
        yield told("The script begins with {line}: that program runs it",
                   line=run.executable.content.partition("\n")[0])  # fmt: skip
    elif run.script is not None:
        yield told("The lines up to {name} are one script for {shell}", name=run.script.name,
                   shell=" ".join(scene.shell or DEFAULT_SHELL))  # fmt: skip
        if is_posix(scene.shell or DEFAULT_SHELL) and not _STOPS.search(run.script.content):
            yield told("A command of the script that fails does not end it: `set -e` as its first line would")
    elif run.heredocs:
        yield counted("The lines up to {items} are what the command reads",
                      "The lines up to {items} are what the commands read, each its own",
                      [doc.name for doc in run.heredocs])  # fmt: skip
    quoted = [doc.name for doc in run.heredocs if not doc.expand and run.script is None]
    if quoted:
        yield counted("{items} is in quotes: the shell leaves variables in its lines alone",
                      "{items} are in quotes: the shell leaves variables in their lines alone", quoted)  # fmt: skip
    if any(doc.chomp for doc in run.heredocs):
        yield told("Tabs at the beginning of its lines go (`<<-`)")


def _flags(run: Run) -> Iterator[Sentence]:
    if run.network == "none":
        yield told("Without any network (`--network=none`): it cannot download anything")
    elif run.network == "host":
        yield told("On the network of the machine that builds (`--network=host`); the builder must be told to allow it")
    elif "--network=default" in run.original:
        yield told("On the usual network (`--network=default`), as without the flag")
    if run.security == "insecure":
        yield told("With all rights over the machine (`--security=insecure`); the builder must be told to allow it")
    elif "--security=sandbox" in run.original:
        yield told("Shut in as usual (`--security=sandbox`), as without the flag")
