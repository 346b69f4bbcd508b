"""CMD, ENTRYPOINT and HEALTHCHECK: what a container runs."""

from __future__ import annotations

from collections.abc import Iterator

from capas.dockerfile.instructions import Cmd, Command, Entrypoint, Healthcheck
from capas.dockerfile.meaning.durations import in_words
from capas.dockerfile.meaning.scene import DEFAULT_SHELL, Scene
from capas.dockerfile.meaning.sentence import Plain, Risk, Sentence, beware, told

_SECOND_NS = 1_000_000_000
_INTERVAL, _TIMEOUT, _RETRIES = 30 * _SECOND_NS, 30 * _SECOND_NS, 3


def explain_cmd(cmd: Cmd, scene: Scene) -> Iterator[Sentence | Risk]:
    """CMD, beside the ENTRYPOINT of its stage."""
    if not cmd.command.args:
        yield told("Clears the command that the base image would run")
        return
    line = show(cmd.command)
    if scene.entrypoint is not None and scene.entrypoint.command.args:
        program = show(scene.entrypoint.command)
        if scene.entrypoint.command.shell:
            yield told("Nobody uses {command}: the ENTRYPOINT {program} is in shell form, which takes no words",
                       command=line, program=program)  # fmt: skip
            return
        yield told("Gives the ENTRYPOINT its usual words: a container runs {whole}",
                   whole=f"{program} {_words(cmd.command, scene)}")  # fmt: skip
        yield told("`capas run IMAGE WORDS…` puts other words in the place of {command}", command=line)
        if cmd.command.shell:
            shell = " ".join(scene.shell or DEFAULT_SHELL)
            yield beware("In shell form its words begin with {shell}: {program} is given those too", shell=shell,
                         program=program)  # fmt: skip
        return
    yield told("A container of this image runs {command}, unless `capas run IMAGE COMMAND…` names another",
               command=line)  # fmt: skip
    yield from _form(cmd.command, scene, "CMD")


def explain_entrypoint(entrypoint: Entrypoint, scene: Scene) -> Iterator[Sentence | Risk]:
    """ENTRYPOINT, beside the CMD of its stage."""
    if not entrypoint.command.args:
        yield told("Clears the ENTRYPOINT of the base image")
        return
    program = show(entrypoint.command)
    yield told("A container of this image always runs {program}; what stands after `capas run IMAGE` is given to it "
               "as its words", program=program)  # fmt: skip
    if entrypoint.command.shell:
        yield beware("In shell form it takes no words: CMD and what stands after `capas run IMAGE` are lost")
    elif scene.cmd is not None and scene.cmd.command.args:
        yield told("Without words it gets those of CMD: {whole}", whole=f"{program} {_words(scene.cmd.command, scene)}")
    else:
        yield told("The CMD of the base image counts no longer, once ENTRYPOINT is set")
    yield told("`--entrypoint` puts another program in its place")
    yield from _form(entrypoint.command, scene, "ENTRYPOINT")


def explain_healthcheck(check: Healthcheck) -> Iterator[Sentence | Risk]:
    """HEALTHCHECK."""
    kind, *words = check.test
    if kind == "NONE":
        yield told("Switches off the health check that the base image brings")
        return
    command = " ".join(words)
    yield told("Asks the container how it is by running {command} in it: 0 is healthy, anything else is not",
               command=command)  # fmt: skip
    yield told("Every {interval}; {retries} failures in a row make it `unhealthy`",
               interval=in_words(check.interval_ns or _INTERVAL), retries=check.retries or _RETRIES)  # fmt: skip
    yield told("An answer that takes longer than {timeout} counts as a failure",
               timeout=in_words(check.timeout_ns or _TIMEOUT))  # fmt: skip
    if check.start_period_ns:
        yield told("In the first {start} a failure does not count (`--start-period`): the program is still starting",
                   start=in_words(check.start_period_ns))  # fmt: skip
    if check.start_interval_ns and check.start_period_ns:
        yield told("and in that time it is asked every {interval} (`--start-interval`)",
                   interval=in_words(check.start_interval_ns))  # fmt: skip
    elif check.start_interval_ns:
        yield told("`--start-interval` is of no use without `--start-period`")
    if kind == "CMD-SHELL":
        yield told("The shell of the image runs it, so pipes and || are possible")
    program = words[0].split()[0] if words and words[0].split() else ""
    if program in ("curl", "wget", "nc", "bash"):
        yield beware("{program} must be in the image, or the container is never healthy", program=program)


def show(command: Command) -> str:
    """A command as one would type it."""
    return command.args[0] if command.shell else " ".join(_quoted(word) for word in command.args)


def _words(command: Command, scene: Scene) -> str:
    """A command as an ENTRYPOINT is given it."""
    return " ".join([*(scene.shell or DEFAULT_SHELL), command.args[0]]) if command.shell else show(command)


def _quoted(word: str) -> str:
    return f"'{word}'" if any(char.isspace() for char in word) or not word else word


def _form(command: Command, scene: Scene, keyword: str) -> Iterator[Sentence | Risk]:
    if command.shell:
        shell = scene.shell or DEFAULT_SHELL
        yield told("Shell form: {shell} runs it, so variables and && work", shell=" ".join(shell))
        yield beware("The shell is process 1, and may not pass the signal of `capas stop` on: after 10 seconds the "
                     "program "
                     "is killed; {keyword} [\"…\"] (exec form) gets it itself", keyword=Plain(keyword))  # fmt: skip
        return
    yield told("Exec form: {program} is process 1 itself, and gets the signal of `capas stop`", program=command.args[0])
    if any("$" in word for word in command.args):
        yield beware("No shell reads it: {word} stays as it is written",
                     word=next(word for word in command.args if "$" in word))  # fmt: skip
