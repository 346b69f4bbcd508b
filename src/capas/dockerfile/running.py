"""RUN, CMD, ENTRYPOINT, SHELL and HEALTHCHECK: the instructions that hold a command line."""

from __future__ import annotations

from capas.dockerfile.duration import parse_duration
from capas.dockerfile.instructions import Cmd, Command, Entrypoint, Healthcheck, Run, RunMount, Shell
from capas.dockerfile.mount import parse_mount
from capas.dockerfile.request import LIST, TEXT, Flags, Request, one_of, read_flags
from capas.dockerfile.words import Word
from capas.errors import CapasError, Unsupported

_RUN_FLAGS = {"mount": LIST, "network": TEXT, "security": TEXT, "device": LIST}
_HEALTH_FLAGS = {"interval": TEXT, "timeout": TEXT, "start-period": TEXT, "start-interval": TEXT, "retries": TEXT}
_SHORTEST_NS = 1_000_000


def parse_run(request: Request) -> Run:
    """RUN [--mount=…] [--network=…] [--security=…] command. Raises: Invalid; Unsupported for --device."""
    flags = read_flags(request, _RUN_FLAGS)
    command = _command(request)
    if not command.args or not request.rest:
        raise request.fault("RUN requires a command")
    return Run(
        request.position,
        request.original,
        command,
        mounts=tuple(_mount(request, word) for word in flags.list("mount")),
        network=one_of(request, flags.word("network"), ("default", "none", "host"), "unknown network: {text!r}"),
        security=one_of(request, flags.word("security"), ("sandbox", "insecure"), "unknown security mode: {text!r}"),
        heredocs=request.line.heredocs if command.shell else (),
    )


def parse_cmd(request: Request) -> Cmd:
    """CMD command. Raises: Invalid."""
    read_flags(request, {})
    return Cmd(request.position, request.original, _default(request))


def parse_entrypoint(request: Request) -> Entrypoint:
    """ENTRYPOINT command. Raises: Invalid."""
    read_flags(request, {})
    return Entrypoint(request.position, request.original, _default(request))


def parse_shell(request: Request) -> Shell:
    """SHELL ["program", "argument", …]. Raises: Invalid for anything but such a list."""
    read_flags(request, {})
    words = request.find_list()
    if words is None:
        example = 'write it like SHELL ["/bin/bash", "-o", "pipefail", "-c"]'
        raise request.fault("SHELL requires its arguments as a JSON list", hint=example)
    if not words:
        raise request.fault("SHELL requires at least one argument")
    return Shell(request.position, request.original, words)


def parse_healthcheck(request: Request) -> Healthcheck:
    """HEALTHCHECK NONE, or [options] CMD command. Raises: Invalid."""
    flags = read_flags(request, _HEALTH_FLAGS)
    words = request.words()
    if not words:
        raise request.fault("HEALTHCHECK requires at least one argument", hint="write HEALTHCHECK CMD …, or NONE")
    kind = words[0].text.upper()
    if kind == "NONE":
        if len(words) > 1:
            raise request.fault("HEALTHCHECK NONE takes no arguments", words[1])
        return Healthcheck(request.position, request.original, ("NONE",))
    if kind != "CMD":
        hint = "write HEALTHCHECK CMD …, or HEALTHCHECK NONE"
        raise request.fault("unknown type {text!r} in HEALTHCHECK", words[0], hint=hint, text=words[0].text[:40])
    return Healthcheck(
        request.position,
        request.original,
        _test(request, words),
        interval_ns=_time(request, flags, "interval"),
        timeout_ns=_time(request, flags, "timeout"),
        start_period_ns=_time(request, flags, "start-period"),
        start_interval_ns=_time(request, flags, "start-interval"),
        retries=_retries(request, flags.word("retries")),
    )


def _command(request: Request) -> Command:
    items = request.find_list()
    return Command((request.rest,), shell=True) if items is None else Command(items, shell=False)


def _default(request: Request) -> Command:
    if not request.rest:
        raise request.fault("{instruction} requires at least one argument", hint="{instruction} [] clears it")
    return _command(request)


def _mount(request: Request, word: Word) -> RunMount:
    try:
        return parse_mount(word.text)
    except CapasError as error:
        raise request.refuse(error, word) from None


def _test(request: Request, words: list[Word]) -> tuple[str, ...]:
    if len(words) == 1:
        raise request.fault("a command is missing after HEALTHCHECK CMD", words[0])
    items = request.find_list(words[1].start)
    if items is None:
        return ("CMD-SHELL", request.line.text[words[1].start :])
    if not items:
        raise request.fault("a command is missing after HEALTHCHECK CMD", words[1])
    return ("CMD", *items)


def _time(request: Request, flags: Flags, name: str) -> int:
    word = flags.word(name)
    if word is None:
        return 0
    try:
        nanoseconds = parse_duration(word.text)
    except CapasError as error:
        raise request.fault("--{name}: {why}", word, hint=error.advised, name=name, why=error.told) from None
    if nanoseconds and nanoseconds < _SHORTEST_NS:
        raise request.fault("--{name} cannot be less than 1ms", word, name=name)
    return nanoseconds


def _retries(request: Request, word: Word | None) -> int:
    if word is None:
        return 0
    digits = word.text.removeprefix("+")
    if digits.isascii() and digits.isdigit() and len(digits) < 11 and int(digits) < 2**31:
        return int(digits)
    raise request.fault("--retries is a whole number, not {text!r}", word, text=word.text[:40])


def refuse_device(request: Request) -> None:
    """Raises: Unsupported for RUN --device: a step sees no device of the host."""
    for flag in request.flags:
        if request.name == "RUN" and flag.text.partition("=")[0] == "--device":
            error = Unsupported("RUN --device is not supported: a step is given no device of the host")
            raise request.line.source.locate(error, request.line.at(flag.start, flag.end))
