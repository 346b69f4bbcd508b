"""ENV, LABEL, EXPOSE, USER, WORKDIR, VOLUME, STOPSIGNAL, SHELL, MAINTAINER: what is only written into the config."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from capas.dockerfile.instructions import (
    Env,
    Expose,
    Label,
    Maintainer,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from capas.dockerfile.meaning.known import FAMILIAR_PORTS, LABELS, SIGNALS, VARIABLES
from capas.dockerfile.meaning.scene import ROOT, Scene
from capas.dockerfile.meaning.sentence import Plain, Risk, Sentence, beware, counted, told

_SHELL_FLAGS = MappingProxyType({
    "pipefail": told("`pipefail`: a pipe fails if any of its commands does, not only the last"),
    "-e": told("`-e`: the first command that fails ends the script"),
    "-u": told("`-u`: a variable that nothing sets is an error"),
    "-x": told("`-x`: each command is printed before it runs"),
    "-l": told("`-l`: a login shell, which reads /etc/profile first"),
})  # fmt: skip


def explain_env(env: Env, scene: Scene) -> Iterator[Sentence | Risk]:
    """ENV."""
    for pair in env.pairs:
        yield told("Sets the variable {name} to {value}, for the steps that follow and for every container",
                   name=pair.key, value=pair.value)  # fmt: skip
        if pair.key in scene.args:
            yield told("From here on it wins over the ARG {name}, whatever `--build-arg` says", name=pair.key)
        if pair.key == "PATH":
            yield told("PATH is where commands are looked for, in this order; what it held before must be named in it")
        elif pair.key in VARIABLES:
            yield VARIABLES[pair.key]
    if env.legacy:
        yield told("Written without `=`: all that follows {name} is its value, blanks too", name=env.pairs[0].key)
    if len(env.pairs) > 1:
        yield told("All of them at once: each value sees the variables as they were before this line")


def explain_label(label: Label) -> Iterator[Sentence | Risk]:
    """LABEL."""
    for pair in label.pairs:
        known = LABELS.get(pair.key)
        if known is not None:
            yield told("Notes {what} in the image: {name} is {value}", what=known, name=pair.key, value=pair.value)
        else:
            yield told("Notes {name} = {value} in the image, for people and tools", name=pair.key, value=pair.value)
    if label.legacy:
        yield told("Written without `=`: all that follows {name} is its value, blanks too", name=label.pairs[0].key)
    yield told("Labels of the base image stay, and images built FROM this one have these too; "
               "`--filter label={name}` finds them", name=Plain(label.pairs[0].key))  # fmt: skip


def explain_maintainer(maintainer: Maintainer) -> Iterator[Sentence | Risk]:
    """MAINTAINER."""
    yield told("Writes {author} into the image as its author: an old form of LABEL", author=maintainer.author)


def explain_expose(expose: Expose, scene: Scene) -> Iterator[Sentence | Risk]:
    """EXPOSE."""
    ports = [scene.expand(word) for word in expose.ports]
    yield counted("Says that a program in the container listens on port {items}",
                  "Says that programs in the container listen on the ports {items}", ports)  # fmt: skip
    for port in ports:
        number, _, protocol = port.partition("/")
        if number in FAMILIAR_PORTS:
            yield told("Port {port} is usually {use}", port=number, use=Plain(FAMILIAR_PORTS[number]))
        if "-" in number:
            first, _, last = number.partition("-")
            yield told("Every port from {first} to {last}, both included", first=first, last=last)
        if protocol.lower() in ("udp", "sctp"):
            yield told("{protocol}, not TCP, which would be meant without a word", protocol=Plain(protocol.upper()))
    chosen = next((port for port in ports if port.partition("/")[2].lower() not in ("udp", "sctp")), ports[0].lower())
    number = chosen.removesuffix("/tcp").partition("-")[0]
    yield beware("EXPOSE opens nothing to the outside: `capas run -p 8080:{port}` does, or `-P` for all of them",
                 port=Plain(number))  # fmt: skip


def explain_user(user: User) -> Iterator[Sentence | Risk]:
    """USER."""
    name, colon, group = user.user.partition(":")
    if name in ROOT:
        yield told("From here on {user} is at work: it may do everything in the container", user=name)
        yield beware("If no other USER follows, the container runs as {user}: who breaks into the program is {user} "
                     "in the container", user=name)  # fmt: skip
    else:
        yield told("From here on {user} is at work: RUN, CMD and ENTRYPOINT have this user's rights and no more",
                   user=name)  # fmt: skip
    if colon:
        yield told("with {group} as its group, and no other groups", group=group)
    if name.isdecimal() and name != "0":
        yield told("A number needs no entry in /etc/passwd; the user {user} then has no name and no home", user=name)
    elif name not in ROOT and "$" not in name:
        yield beware("{user} must be a user of the image already: `RUN useradd {plain}`, or `adduser`, makes one",
                     user=name, plain=Plain(name))  # fmt: skip


def explain_workdir(workdir: Workdir, scene: Scene) -> Iterator[Sentence | Risk]:
    """WORKDIR. `scene` is as it was before."""
    place = scene.place(workdir.path)
    yield told("Makes the directory {path} if it is not there, and works in it from here on: relative paths of RUN, "
               "COPY, ADD, CMD and ENTRYPOINT begin there", path=place)  # fmt: skip
    if not workdir.path.startswith("/") and "$" not in workdir.path:
        if scene.workdir:
            yield told("{word} is counted from {before}, the one before", word=workdir.path, before=scene.workdir)
        else:
            yield told("{word} is counted from the working directory of the base image", word=workdir.path)
    if scene.user and scene.user.partition(":")[0] not in ROOT:
        yield told("A directory that is made here belongs to {user}", user=scene.user)


def explain_volume(volume: Volume) -> Iterator[Sentence | Risk]:
    """VOLUME."""
    yield counted(
        "Keeps {items} outside of the container: what programs write there is on a volume, not in the container's "
        "layer, and outlives it",
        "Keeps {items} outside of the container: what programs write there is on volumes, not in the container's "
        "layer, and outlives it", volume.paths,
    )  # fmt: skip
    if "[" in volume.original:
        yield told("Written as a JSON list, so that paths may hold blanks")
    path = volume.paths[0]
    yield told("Without `-v` each container gets a new volume without a name; `-v data:{path}` gives it one that is "
               "found again", path=Plain(path))  # fmt: skip
    yield beware("An image built FROM this one cannot take {path} out again, and files that it puts there are only "
                 "copied into volumes that are new", path=path)  # fmt: skip


def explain_stopsignal(stop: Stopsignal) -> Iterator[Sentence | Risk]:
    """STOPSIGNAL."""
    name = stop.signal.upper()
    number = SIGNALS.get(name.removeprefix("SIG")) or SIGNALS.get(name)
    yield told("`capas stop` asks the program to end with {signal}, instead of SIGTERM", signal=stop.signal)
    if number is not None:
        yield number
    yield told("If it is still there after 10 seconds it is killed")


def explain_shell(shell: Shell, scene: Scene) -> Iterator[Sentence | Risk]:
    """SHELL."""
    yield told("From here on commands in shell form are given to {shell}, instead of {before}",
               shell=" ".join(shell.shell), before=" ".join(scene.shell or ("/bin/sh", "-c")))  # fmt: skip
    letters = {f"-{letter}" for word in shell.shell[1:] if word.startswith("-") for letter in word[1:]}
    for flag, sentence in _SHELL_FLAGS.items():
        if flag in letters or flag in shell.shell:
            yield sentence
    yield beware("{program} must be in the image, or every RUN after this line fails", program=shell.shell[0])
