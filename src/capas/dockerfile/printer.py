"""The printer: instructions back to text, each in one way. What is printed, parsed again, means the same.

Comments and the layout of lines are not kept: they are no part of an instruction's value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from capas.dockerfile.duration import print_duration
from capas.dockerfile.instructions import (
    Add,
    Arg,
    Cmd,
    Command,
    Copy,
    Dockerfile,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Heredoc,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Pair,
    Run,
    Shell,
    Stage,
    Stopsignal,
    User,
    Volume,
    Workdir,
)


def print_dockerfile(dockerfile: Dockerfile) -> str:
    """The whole file, its directives first."""
    lines = [f"# {key}={value}" for key, value in dockerfile.directives]
    lines += [print_instruction(arg, dockerfile.escape) for arg in dockerfile.global_args]
    for stage in dockerfile.stages:
        lines.append(_from(stage))
        lines += [print_instruction(instruction, dockerfile.escape) for instruction in stage.instructions]
    return "".join(f"{line}\n" for line in lines)


def print_instruction(instruction: Instruction, escape: str = "\\") -> str:
    """One instruction, its heredocs with it; no newline at the end.

    >>> from capas.dockerfile.parse import parse_instructions
    >>> print_instruction(parse_instructions("env greeting  hello world")[0])
    'ENV greeting="hello world"'
    """
    if isinstance(instruction, Env | Label):
        return _rest("ENV" if isinstance(instruction, Env) else "LABEL", _pairs(instruction, escape))
    return _PRINTERS[type(instruction)](instruction)


def _from(stage: Stage) -> str:
    name = f" AS {stage.name}" if stage.name else ""
    return _rest("FROM", stage.base + name, _flags(platform=stage.platform))


def _run(run: Run) -> str:
    flags = "".join(_flag("mount", mount.text) for mount in run.mounts)
    flags += _flags(
        network="" if run.network == "default" else run.network,
        security="" if run.security == "sandbox" else run.security,
    )
    return _rest("RUN", _command(run.command), flags) + _bodies(run.heredocs)


def _cmd(cmd: Cmd) -> str:
    return _rest("CMD", _command(cmd.command))


def _entrypoint(entrypoint: Entrypoint) -> str:
    return _rest("ENTRYPOINT", _command(entrypoint.command))


def _shell(shell: Shell) -> str:
    return f"SHELL {_list(shell.shell)}"


def _healthcheck(check: Healthcheck) -> str:
    times = {
        "interval": check.interval_ns, "timeout": check.timeout_ns, "start-period": check.start_period_ns,
        "start-interval": check.start_interval_ns,
    }  # fmt: skip
    flags = "".join(_flag(name, print_duration(value)) for name, value in times.items() if value)
    flags += _flag("retries", str(check.retries)) if check.retries else ""
    kind, *words = check.test
    if kind == "NONE":
        return "HEALTHCHECK NONE"
    return f"HEALTHCHECK {flags}CMD {words[0] if kind == 'CMD-SHELL' else _list(words)}"


def _arg(arg: Arg) -> str:
    words = [pair.key if pair.value is None else f"{pair.key}={pair.value}" for pair in arg.pairs]
    return _rest("ARG", " ".join(words))


def _expose(expose: Expose) -> str:
    return _rest("EXPOSE", " ".join(expose.ports))


def _volume(volume: Volume) -> str:
    return f"VOLUME {_list(volume.paths)}"


def _user(user: User) -> str:
    return _rest("USER", user.user)


def _workdir(workdir: Workdir) -> str:
    return _rest("WORKDIR", workdir.path)


def _stopsignal(stop: Stopsignal) -> str:
    return _rest("STOPSIGNAL", stop.signal)


def _maintainer(maintainer: Maintainer) -> str:
    return _rest("MAINTAINER", maintainer.author)


def _onbuild(onbuild: Onbuild) -> str:
    return f"ONBUILD {onbuild.trigger}"


def _copy(copy: Copy) -> str:
    flags = _flags(**{"from": copy.origin}) + _place_flags(copy) + ("--parents " if copy.parents else "")
    return f"COPY {flags}{_places(copy)}"


def _add(add: Add) -> str:
    flags = _place_flags(add) + _flags(checksum=add.checksum)
    for name, given in (("keep-git-dir", add.keep_git_dir), ("unpack", add.unpack)):
        flags += "" if given is None else _flag(name, str(given).lower())
    return f"ADD {flags}{_places(add)}"


def _place_flags(instruction: Copy | Add) -> str:
    flags = _flags(chown=instruction.chown, chmod=instruction.chmod) + ("--link " if instruction.link else "")
    return flags + "".join(_flag("exclude", pattern) for pattern in instruction.exclude)


def _places(instruction: Copy | Add) -> str:
    words = [*instruction.sources, instruction.target]
    if instruction.heredocs:  # first, so that nothing can be taken for a list or a flag
        return " ".join([*map(_mark, instruction.heredocs), *words]) + _bodies(instruction.heredocs)
    plain = all(words) and not any(char.isspace() for word in words for char in word)
    if not plain or words[0].startswith(("--", "[")) or "<<" in " ".join(words):
        return _list(words)
    return " ".join(words)


def _mark(doc: Heredoc) -> str:
    quote = "" if doc.expand else "'" if '"' in doc.name else '"'
    return f"<<{'-' if doc.chomp else ''}{quote}{doc.name}{quote}"


def _bodies(heredocs: Iterable[Heredoc]) -> str:
    return "".join(f"\n{doc.content}{doc.name}" for doc in heredocs)


def _command(command: Command) -> str:
    return command.args[0] if command.shell else _list(command.args)


def _rest(keyword: str, text: str, flags: str = "") -> str:
    """The keyword, its flags and what follows them, which may begin like a flag."""
    return f"{keyword} {flags}{'-- ' if text.startswith('--') else ''}{text}"


def _pairs(instruction: Env | Label, escape: str) -> str:
    if instruction.legacy:
        return _legacy_pair(instruction.pairs[0], escape)
    return " ".join(f"{pair.key}={pair.value}" for pair in instruction.pairs)


def _legacy_pair(pair: Pair, escape: str) -> str:
    """`key=value`, but for a key with quotes in it, which only the old form can hold (no build takes it)."""
    if any(char in pair.key for char in (escape, "'", '"')):
        return f"{pair.key} {pair.value}"
    return f"{pair.key}={_one_word(pair.value, escape)}"


def _one_word(value: str, escape: str) -> str:
    """A value that may hold blanks, as a word that means the same."""
    if not any(char.isspace() for char in value):
        return value
    if not any(char in value for char in (escape, "'", '"')):
        return f'"{value}"'
    return "".join(_blanks_escaped(value, escape))


def _blanks_escaped(value: str, escape: str) -> Iterator[str]:
    quote, escaped = "", False
    for char in value:
        if char.isspace() and not quote and not escaped:
            yield escape
        yield char
        if escaped or (char == escape and quote != "'"):
            escaped = not escaped
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char


def _flags(**values: str) -> str:
    return "".join(_flag(name, value) for name, value in values.items() if value)


def _flag(name: str, value: str) -> str:
    """A flag; what would end it, or be read as a quote, is escaped (with a backslash, whatever the directive says)."""
    word = "".join(f"\\{char}" if char.isspace() or char in "\\'\"" else char for char in value)
    return f"--{name}={word} "


def _list(words: Iterable[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)


_PRINTERS: dict[type, Callable[[Any], str]] = {
    Run: _run, Cmd: _cmd, Entrypoint: _entrypoint, Shell: _shell, Healthcheck: _healthcheck, Arg: _arg,
    Expose: _expose, Volume: _volume, User: _user, Workdir: _workdir, Stopsignal: _stopsignal,
    Maintainer: _maintainer, Onbuild: _onbuild, Copy: _copy, Add: _add,
}  # fmt: skip
