"""RUN: the commands, who runs them where, and what its flags lend it."""

from __future__ import annotations

from collections.abc import Iterator

from capas.dockerfile.checks.shell import Script, is_posix
from capas.dockerfile.instructions import Run
from capas.dockerfile.meaning.commands.script import explain_script
from capas.dockerfile.meaning.mounts import explain_mount
from capas.dockerfile.meaning.scene import DEFAULT_SHELL, Scene
from capas.dockerfile.meaning.sentence import Risk, Sentence, told
from capas.dockerfile.meaning.starting import show


def explain_run(run: Run, script: Script | None, scene: Scene) -> Iterator[Sentence | Risk]:
    """A RUN. `script`: its commands, None where they are not known."""
    yield from _head(run, scene)
    commands = list(explain_script(script)) if script is not None else []
    if commands:
        yield from commands
    else:
        yield told("runs the command {command}", command=show(run.full_command))
    for mount in run.mounts:
        yield from explain_mount(mount)
    yield from _flags(run)


def _head(run: Run, scene: Scene) -> Iterator[Sentence]:
    user, workdir = scene.user, scene.workdir
    if user and workdir:
        yield told("Makes a new layer of what this changes, run as {user} in {workdir}:", user=user, workdir=workdir)
    elif user:
        yield told("Makes a new layer of what this changes, run as {user}:", user=user)
    elif workdir:
        yield told("Makes a new layer of what this changes, run in {workdir}:", workdir=workdir)
    else:
        yield told("Makes a new layer of what this changes:")
    if run.executable is not None:
        yield told(
            "The script begins with {line}: that program runs it", line=run.executable.content.partition("\n")[0]
        )
    elif run.script is not None:
        yield told("The lines up to {name} are one script for {shell}", name=run.script.name,
                   shell=" ".join(scene.shell or DEFAULT_SHELL))  # fmt: skip
        if scene.shell and not is_posix(scene.shell):
            return
        if not any(
            word in run.script.content.split() for word in ("-e", "-ex", "-eu", "-eux", "-euo", "-exu", "errexit")
        ):
            yield told("A command of the script that fails does not end it: `set -e` as its first line would")
    elif run.heredocs:
        yield told("The lines up to {name} are what the command reads", name=run.heredocs[0].name)
    elif not run.command.shell:
        yield told("Exec form: no shell is needed, and variables and && mean nothing")


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
