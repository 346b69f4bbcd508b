"""Edits of the config: what each instruction without files changes, and what the history says of it.

Spec: Dockerfile reference; the texts are BuildKit's.
"""

from __future__ import annotations

from collections.abc import Callable
from posixpath import join, normpath
from typing import Any

from msgspec.structs import replace

from capas.dockerfile import instructions as df
from capas.dockerfile.duration import print_duration
from capas.dockerfile.expand import Expander, expand_instruction
from capas.dockerfile.quoting import quote_list
from capas.oci.config import Execution, Healthcheck

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_SHELL = ("/bin/sh", "-c")


def edit(execution: Execution, instruction: df.Instruction, *, cmd_set: bool = False) -> tuple[Execution, str]:
    """The config after this (expanded) instruction, and the history's text.

    `cmd_set`: this stage has had a CMD, which an ENTRYPOINT then leaves alone.
    """
    if isinstance(instruction, df.Entrypoint):
        return _entrypoint(execution, instruction, cmd_set)
    return _EDITS[type(instruction)](execution, instruction)


def amend(execution: Execution, instruction: df.Instruction) -> Execution:
    """The config after an instruction as it stands in a Dockerfile, whose variables are the config's own.

    Raises: Invalid where it cannot be expanded; KeyError for one that `is_edit` does not know and that is no WORKDIR.
    """
    instruction = expand_instruction(instruction, Expander(execution.variables))
    if isinstance(instruction, df.Workdir):
        return replace(execution, working_dir=normpath(join(execution.working_dir or "/", instruction.path)))
    return edit(execution, instruction, cmd_set=True)[0]


def is_edit(instruction: df.Instruction) -> bool:
    """Whether it only changes the config."""
    return isinstance(instruction, df.Entrypoint) or type(instruction) in _EDITS


def shell_of(execution: Execution) -> tuple[str, ...]:
    """The words before a shell-form command."""
    return execution.shell or DEFAULT_SHELL


def with_variable(env: tuple[str, ...], key: str, value: str) -> tuple[str, ...]:
    """The environment with one variable set, in its old place if it had one."""
    pair = f"{key}={value}"
    names = [item.partition("=")[0] for item in env]
    if key in names:
        at = names.index(key)
        return (*env[:at], pair, *env[at + 1 :])
    return (*env, pair)


def _env(execution: Execution, instruction: df.Env) -> tuple[Execution, str]:
    env = execution.env or ()
    for pair in instruction.pairs:
        env = with_variable(env, pair.key, pair.value)
    return replace(execution, env=env), "ENV " + _pairs(instruction.pairs)


def _label(execution: Execution, instruction: df.Label) -> tuple[Execution, str]:
    labels = {**(execution.labels or {}), **{pair.key: pair.value for pair in instruction.pairs}}
    return replace(execution, labels=labels), "LABEL " + _pairs(instruction.pairs)


def _cmd(execution: Execution, instruction: df.Cmd) -> tuple[Execution, str]:
    argv = instruction.command.argv(shell_of(execution))
    return replace(execution, cmd=argv or None, args_escaped=True), "CMD " + quote_list(argv)


def _entrypoint(execution: Execution, instruction: df.Entrypoint, cmd_set: bool) -> tuple[Execution, str]:
    argv = instruction.command.argv(shell_of(execution))
    cmd = execution.cmd if cmd_set else None
    return replace(execution, entrypoint=argv or None, cmd=cmd), "ENTRYPOINT " + quote_list(argv)


def _expose(execution: Execution, instruction: df.Expose) -> tuple[Execution, str]:
    given = [port if "/" in port else f"{port}/tcp" for port in instruction.ports]
    ports = {**(execution.exposed_ports or {}), **{port: dict[str, object]() for port in given}}
    text = " ".join(f"{port}:{{}}" for port in given)
    return replace(execution, exposed_ports=ports), f"EXPOSE map[{text}]"


def _volume(execution: Execution, instruction: df.Volume) -> tuple[Execution, str]:
    volumes = {**(execution.volumes or {}), **{path: dict[str, object]() for path in instruction.paths}}
    return replace(execution, volumes=volumes), f"VOLUME [{' '.join(instruction.paths)}]"


def _user(execution: Execution, instruction: df.User) -> tuple[Execution, str]:
    return replace(execution, user=instruction.user), f"USER {instruction.user}"


def _stopsignal(execution: Execution, instruction: df.Stopsignal) -> tuple[Execution, str]:
    return replace(execution, stop_signal=instruction.signal), f"STOPSIGNAL {instruction.signal}"


def _shell(execution: Execution, instruction: df.Shell) -> tuple[Execution, str]:
    return replace(execution, shell=instruction.shell), f"SHELL [{' '.join(instruction.shell)}]"


def _healthcheck(execution: Execution, instruction: df.Healthcheck) -> tuple[Execution, str]:
    check = Healthcheck(
        test=instruction.test,
        interval=instruction.interval_ns,
        timeout=instruction.timeout_ns,
        start_period=instruction.start_period_ns,
        start_interval=instruction.start_interval_ns,
        retries=instruction.retries,
    )
    text = (
        f"HEALTHCHECK {{Test:[{' '.join(check.test)}] Interval:{print_duration(check.interval)} "
        f"Timeout:{print_duration(check.timeout)} StartPeriod:{print_duration(check.start_period)} "
        f"StartInterval:{print_duration(check.start_interval)} Retries:{check.retries}}}"
    )
    return replace(execution, healthcheck=check), text


def _onbuild(execution: Execution, instruction: df.Onbuild) -> tuple[Execution, str]:
    return replace(execution, on_build=(*(execution.on_build or ()), instruction.trigger)), ""


def _pairs(pairs: tuple[df.Pair, ...]) -> str:
    return " ".join(f"{pair.key}={pair.value}" for pair in pairs)


_EDITS: dict[type, Callable[[Execution, Any], tuple[Execution, str]]] = {
    df.Env: _env,
    df.Label: _label,
    df.Cmd: _cmd,
    df.Expose: _expose,
    df.Volume: _volume,
    df.User: _user,
    df.Stopsignal: _stopsignal,
    df.Shell: _shell,
    df.Healthcheck: _healthcheck,
    df.Onbuild: _onbuild,
}
