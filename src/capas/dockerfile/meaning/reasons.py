"""Reasons: why people write an instruction, said of the one at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from capas.dockerfile.instructions import (
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from capas.dockerfile.meaning.scene import Scene
from capas.dockerfile.meaning.sentence import Listed, Sentence, counted, told

_LISTS = (
    "package.json", "package-lock.json", "package*.json", "yarn.lock", "pnpm-lock.yaml", "requirements.txt",
    "pyproject.toml", "poetry.lock", "uv.lock", "Pipfile", "Pipfile.lock", "go.mod", "go.sum", "Cargo.toml",
    "Cargo.lock", "pom.xml", "build.gradle", "Gemfile", "Gemfile.lock", "composer.json", "composer.lock",
)  # fmt: skip


def why_from(base: str, *, is_stage: bool) -> Sentence:
    """Why a stage begins there."""
    if base == "scratch":
        return told("So that nothing is in the image but what the program needs: few bytes, and little to attack")
    if is_stage:
        return told("So that several stages share the steps of {base}, which are done once", base=base)
    return told("So that nobody begins with an empty disk: what {base} brings was put together and tested by others",
                base=base)  # fmt: skip


def why(instruction: Instruction, scene: Scene) -> Sentence:
    """Why this is written."""
    if isinstance(instruction, Copy):
        return _copy(instruction)
    if isinstance(instruction, Add):
        return _add(instruction, scene)
    return (
        _workdir(instruction, scene) if isinstance(instruction, Workdir) else _REASONS[type(instruction)](instruction)
    )


def _run(run: Run) -> Sentence:
    line = run.full_command.args[0].replace("\n", ";")
    if any(mount.type == "secret" for mount in run.mounts):
        return told("So that the step can use a password or a key without leaving it in the image")
    if run.command.shell and ("&&" in line or ";" in line):
        return told(
            "All of it in one RUN, because a layer only adds: what a later RUN deletes still fills the layer below"
        )
    return told("So that it is done once, while building, and is there whenever a container starts")


def _copy(copy: Copy) -> Sentence:
    if copy.origin:
        return told("So that the result of {origin} is in the image and its tools and sources are not: fewer bytes, "
                    "and less to attack", origin=copy.origin)  # fmt: skip
    lists = [source for source in copy.sources if source.rpartition("/")[2] in _LISTS]
    if lists:
        return told("{items} before the rest: the step that installs what is listed there stays in the cache until "
                    "the list itself changes", items=Listed(tuple(lists)))  # fmt: skip
    if copy.heredocs:
        return told("A small file that belongs to the image needs no file of its own beside the Dockerfile")
    if copy.sources in ((".",), ("./",)):
        return told("The files themselves change most often, so they come after what changes seldom: the steps above "
                    "stay in the cache")  # fmt: skip
    return counted("So that {items} is in every container, whatever machine it runs on",
                   "So that {items} are in every container, whatever machine it runs on", copy.sources)  # fmt: skip


def _add(add: Add, scene: Scene) -> Sentence:
    if any("://" in source or source.startswith("git@") for source in add.sources):
        return told(
            "So that what is fetched is in {target} without curl or git in the image", target=scene.place(add.target)
        )
    return told("So that what is packed is in {target} without tar in the image", target=scene.place(add.target))


def _env(env: Env) -> Sentence:
    return told("So that {items} need not be given each time; `capas run -e` still can",
                items=Listed(tuple(pair.key for pair in env.pairs)))  # fmt: skip


def _arg(arg: Arg) -> Sentence:
    return told("So that {items} can be changed without touching the file",
                items=Listed(tuple(pair.key for pair in arg.pairs)))  # fmt: skip


def _label(label: Label) -> Sentence:
    return told("So that whoever meets the image can find out about it: `capas inspect` shows {items}",
                items=Listed(tuple(pair.key for pair in label.pairs)))  # fmt: skip


def _expose(expose: Expose) -> Sentence:
    return told("So that people and tools know which port to publish: {items}", items=Listed(expose.ports))


def _user(user: User) -> Sentence:
    name = user.user.partition(":")[0]
    if name in ("root", "0"):
        return told("So that the steps that follow may install things")
    return told("So that who breaks into the program is only {user} in the container, and not root", user=name)


def _workdir(workdir: Workdir, scene: Scene) -> Sentence:
    return told("So that paths need not be written out, and that `capas exec` begins in {path} too",
                path=scene.place(workdir.path))  # fmt: skip


def _volume(volume: Volume) -> Sentence:
    return told("So that the data in {items} are not lost when the container is replaced by a newer one",
                items=Listed(volume.paths))  # fmt: skip


def _cmd(_: Cmd) -> Sentence:
    return told("So that `capas run IMAGE` alone does what the image is for")


def _entrypoint(entrypoint: Entrypoint) -> Sentence:
    return told("So that the image is used like a program: {program} with words of one's own",
                program=entrypoint.command.args[0] if entrypoint.command.args else '""')  # fmt: skip


def _health(check: Healthcheck) -> Sentence:
    if check.test == ("NONE",):
        return told("Because the check of the base image does not fit what runs here")
    return told("Because a program that runs may still not answer: `capas ps` shows which it is")


def _onbuild(onbuild: Onbuild) -> Sentence:
    return told(
        "So that every image of one kind is built the same way, with {trigger} written once", trigger=onbuild.trigger
    )


def _stopsignal(stop: Stopsignal) -> Sentence:
    return told(
        "Because the program puts its things in order at {signal}, and perhaps not at SIGTERM", signal=stop.signal
    )


def _shell(shell: Shell) -> Sentence:
    return told("So that RUN lines can use what {program} can", program=shell.shell[0])


def _maintainer(_: Maintainer) -> Sentence:
    return told("So that one knows whom to ask")


_REASONS: Mapping[type, Callable[[Any], Sentence]] = MappingProxyType({
    Run: _run, Env: _env, Arg: _arg, Label: _label, Expose: _expose, User: _user,
    Volume: _volume, Cmd: _cmd, Entrypoint: _entrypoint, Healthcheck: _health, Onbuild: _onbuild,
    Stopsignal: _stopsignal, Shell: _shell, Maintainer: _maintainer,
})  # fmt: skip
