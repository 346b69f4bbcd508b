"""Commands in RUN that do not belong there, or not like this."""

from __future__ import annotations

from collections.abc import Iterator

from capas.dockerfile.checks.finding import Finding, note
from capas.dockerfile.checks.rule import Severity, hadolint_rule
from capas.dockerfile.checks.shell import Command
from capas.dockerfile.checks.subject import RunScript, Subject
from capas.dockerfile.instructions import Run, Shell

SENSELESS = hadolint_rule("DL3001", Severity.INFO, "There is no such thing to see or to do in a container")
CHANGE_DIR = hadolint_rule("DL3003", Severity.WARNING, "A cd ends with its RUN, WORKDIR does not")
SUDO = hadolint_rule("DL3004", Severity.ERROR, "A step is root already, and sudo hides the signals")
USERADD = hadolint_rule("DL3046", Severity.WARNING, "With a high number it writes a log file as large as the number")
WGET = hadolint_rule("DL3047", Severity.WARNING, "Its progress fills the log of the build")
CONSECUTIVE = hadolint_rule("DL3059", Severity.INFO, "Each RUN makes a layer")
GO_INSTALL = hadolint_rule("DL3062", Severity.WARNING, "Without a version it is whatever is newest that day")
BOTH = hadolint_rule("DL4001", Severity.WARNING, "Two programs for one job make the image larger")
LINKED_SHELL = hadolint_rule("DL4005", Severity.WARNING, "SHELL says which shell the steps use, and changes no file")
PIPE = hadolint_rule("DL4006", Severity.WARNING, "Of a pipe only the last command's failure counts")
RULES = (
    SENSELESS, CHANGE_DIR, SUDO, USERADD, WGET, CONSECUTIVE, GO_INSTALL, BOTH, LINKED_SHELL, PIPE,
)  # fmt: skip

_SENSELESS = frozenset(
    {"free", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim", "ifconfig", "systemctl"}
)
_OTHER_SHELLS = ("pwsh", "powershell", "cmd")


def check_commands(subject: Subject) -> Iterator[Finding]:
    """One command at a time."""
    for found in subject.runs:
        for command in found.script.commands:
            yield from _check_command(found, command)


def check_downloads(subject: Subject) -> Iterator[Finding]:
    """curl and wget in one stage."""
    used: dict[int, set[str]] = {}
    for found in subject.runs:
        here = {command.name.text for command in found.script.commands} & {"curl", "wget"}
        all_of = used.setdefault(found.stage.stage.index, set())
        all_of |= here
        if here and len(all_of) > 1:
            yield note(
                BOTH, found.step.request.position, "Both curl and wget are used", hint="use one of them everywhere"
            )


def check_consecutive(subject: Subject) -> Iterator[Finding]:
    """RUN after RUN, each with a command or two."""
    scripts = {found.step.row: found for found in subject.runs}
    for stage in subject.stages:
        before: tuple[object, int] | None = None
        for step in stage.steps:
            run = step.instruction
            if not isinstance(run, Run):
                before = None
                continue
            here = (_flags_of(run), len(scripts[step.row].script.commands))
            if before is not None and before[0] == here[0] and before[1] <= 2 and here[1] <= 2:
                yield note(CONSECUTIVE, step.keyword, "A RUN right after another one", hint="join the two with &&")
            else:
                before = here


def check_pipes(subject: Subject) -> Iterator[Finding]:
    """Pipes where the shell was not told to heed them."""
    runs = {found.step.row: found for found in subject.runs}
    for stage in subject.stages:
        heeds = False
        for step in stage.steps:
            if isinstance(step.instruction, Shell):
                heeds = _heeds_pipes(step.instruction)
            found = runs.get(step.row)
            if found is not None and isinstance(step.instruction, Run) and not heeds and found.script.has_pipes:
                piped = next(command for command in found.script.commands if command.pipes)
                yield note(
                    PIPE, found.script.at(piped.name), "What {command} fails at goes unseen", command=piped.name.text,
                    hint='write SHELL ["/bin/bash", "-o", "pipefail", "-c"] before it',
                )  # fmt: skip


def _check_command(found: RunScript, command: Command) -> Iterator[Finding]:
    name, place = command.name.text, found.script.at(command.name)
    if name in _SENSELESS:
        yield note(SENSELESS, place, "{command} in a RUN", command=name, hint="leave it out")
    elif name == "cd":
        folder = command.words[0].text if command.words else ""
        yield note(CHANGE_DIR, place, "cd in a RUN", folder=folder, hint="write WORKDIR {folder} before it")
    elif name == "sudo":
        yield note(SUDO, place, "sudo in a RUN", hint="leave it out, or write USER root before it")
    elif name == "useradd" and _has_high_number(command):
        yield note(USERADD, place, "useradd with a high number and without -l", hint="add -l")
    elif name == "wget" and not _is_quiet(command):
        yield note(WGET, place, "wget draws its progress", hint="add --progress=dot:giga, or -q or -nv")
    elif command.is_call("go", "install") and any(_is_loose_module(word.text) for word in command.plain()[1:]):
        yield note(GO_INSTALL, place, "go install without a version", hint="write the module as name@version")
    elif name == "ln" and command.has("/bin/sh"):
        yield note(LINKED_SHELL, place, "/bin/sh is replaced", hint='write SHELL ["/bin/bash", "-c"]')


def _has_high_number(command: Command) -> bool:
    number = command.flag_value("u", "uid") or ""
    return len(number) > 5 and not command.has_flag("l", "no-log-init")


def _is_quiet(command: Command) -> bool:
    return command.has_flag(
        "progress", "q", "quiet", "o", "output-file", "a", "append-output", "no-verbose"
    ) or command.has("-nv")


def _is_loose_module(text: str) -> bool:
    return "@" not in text and "." in text.partition("/")[0] and not text.startswith(".")


def _flags_of(run: Run) -> object:
    return run.mounts, run.network, run.security


def _heeds_pipes(shell: Shell) -> bool:
    name = shell.shell[0].rpartition("/")[2]
    return name.startswith(_OTHER_SHELLS) or (name in ("bash", "zsh", "ash") and "pipefail" in shell.shell)
