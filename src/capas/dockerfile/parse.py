"""The parser: a Dockerfile's text to stages of instructions.

Spec: Dockerfile reference. Whatever is wrong raises with its line, its column and the line itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from capas.dockerfile import copying, running, setting
from capas.dockerfile.instructions import Arg, Dockerfile, Instruction, Onbuild, Stage
from capas.dockerfile.lexer import Lexed, Line, lex
from capas.dockerfile.position import NOWHERE, Position
from capas.dockerfile.request import TEXT, Request, cut, read_flags
from capas.dockerfile.source import suggest
from capas.errors import Invalid

_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*")

Parser = Callable[[Request], Instruction]


def parse_dockerfile(text: str, name: str = "Dockerfile", *, syntax: str = "") -> Dockerfile:
    """The Dockerfile in this text. `name` is what errors call it, `syntax` the frontend if it was chosen outside.

    Raises: Invalid, pointing at the place; Unsupported for another syntax and for RUN --device.
    Order: linear in the size of the text.

    >>> parse_dockerfile("FROM scratch\\nCOPY a /").stages[0].instructions[0].sources
    ('a',)
    """
    lexed = lex(text, name, syntax=syntax)
    global_args: list[Arg] = []
    stages: list[tuple[Stage, list[Instruction]]] = []
    for line in lexed.lines:
        request = cut(line)
        if request.name == "FROM":
            stages.append((parse_from(request, len(stages)), []))
        elif stages:
            stages[-1][1].append(parse_request(request))
        else:
            global_args.append(parse_global(request))
    return assemble(lexed, global_args, [stage._replace(instructions=tuple(found)) for stage, found in stages])


def assemble(lexed: Lexed, global_args: Sequence[Arg], stages: Sequence[Stage]) -> Dockerfile:
    """The file of these parts. Raises: Invalid where there is no stage."""
    if not lexed.lines:
        raise lexed.source.fault("the Dockerfile has no instructions", Position.at(1, 1))
    if not stages:
        hint = "begin with FROM: `capas explain FROM` tells more"
        raise lexed.lines[-1].fault("the Dockerfile has no FROM", hint=hint)
    return Dockerfile(tuple(stages), tuple(global_args), lexed.directives, lexed.escape, lexed.source)


def parse_global(request: Request) -> Arg:
    """What may stand before the first FROM. Raises: Invalid for all but ARG, and as `parse_dockerfile`."""
    instruction = parse_request(request)
    if isinstance(instruction, Arg):
        return instruction
    hint = "a Dockerfile begins with FROM; only ARG may stand before it: `capas explain ARG` tells more"
    raise request.fault("{instruction} stands before any FROM", request.keyword, hint=hint)


def parse_instructions(text: str, name: str = "Dockerfile") -> tuple[Instruction, ...]:
    """The instructions of a text without FROM: what `--change` of commit and import gives.

    Raises: as `parse_dockerfile`.
    """
    found = []
    for line in lex(text, name).lines:
        request = cut(line)
        if request.name == "FROM":
            raise request.fault("FROM cannot stand here", request.keyword)
        found.append(parse_request(request))
    return tuple(found)


def parse_triggers(triggers: Sequence[str]) -> tuple[Instruction, ...]:
    """The instructions that a base image's ONBUILD left, in order. They have no place in any file.

    Raises: Invalid for a trigger that is no single instruction, or one that ONBUILD may not hold.
    """
    found: list[Instruction] = []
    for text in triggers:
        lines = lex(text, "ONBUILD of the base image").lines
        if len(lines) != 1:
            raise Invalid("an ONBUILD of the base image is not one instruction: {trigger!r}", trigger=text[:100])
        request = cut(lines[0])
        _check_trigger(request)
        found.append(parse_request(request)._replace(position=NOWHERE))
    return tuple(found)


def parse_request(request: Request) -> Instruction:
    """One instruction that is no FROM. Raises: as `parse_dockerfile`."""
    parser = _PARSERS.get(request.name)
    if parser is None:
        meant = suggest(request.name, tuple(_PARSERS))
        hint = "did you mean {meant}?" if meant else ""
        raise request.fault("unknown instruction: {instruction}", request.keyword, hint=hint, meant=meant)
    running.refuse_device(request)
    return parser(request)


def parse_from(request: Request, index: int) -> Stage:
    """FROM, as the stage of this index, still without instructions. Raises: Invalid."""
    flags = read_flags(request, {"platform": TEXT})
    words = request.words()
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].text.lower() != "as"):
        hint = "write FROM image, or FROM image AS name"
        raise request.fault("FROM requires either one or three arguments", hint=hint)
    name = words[2].text.lower() if len(words) == 3 else ""
    if name and not _STAGE_NAME.fullmatch(name):
        hint = "it begins with a letter and has letters, digits, '_', '.' and '-'"
        raise request.fault("invalid name of a stage: {text!r}", words[2], hint=hint, text=words[2].text[:60])
    platform = flags.text("platform")
    return Stage(name, words[0].text, platform, (), index, request.position, request.original)


def _parse_onbuild(request: Request) -> Onbuild:
    read_flags(request, {})
    if not request.rest:
        raise request.fault("ONBUILD requires at least one argument")
    inner = cut(request.line, request.rest_at)
    _check_trigger(inner)
    return Onbuild(request.position, request.original, _trigger_text(request.line, inner), parse_request(inner))


def _check_trigger(request: Request) -> None:
    if request.name == "ONBUILD":
        raise request.fault("ONBUILD cannot hold another ONBUILD", request.keyword)
    if request.name in ("FROM", "MAINTAINER"):
        raise request.fault("{instruction} cannot be the trigger of an ONBUILD", request.keyword)


def _trigger_text(line: Line, inner: Request) -> str:
    return inner.original + "".join(f"\n{doc.content}{doc.name}" for doc in line.heredocs)


_PARSERS: dict[str, Parser] = {
    "RUN": running.parse_run,
    "CMD": running.parse_cmd,
    "LABEL": setting.parse_label,
    "EXPOSE": setting.parse_expose,
    "ENV": setting.parse_env,
    "ADD": copying.parse_add,
    "COPY": copying.parse_copy,
    "ENTRYPOINT": running.parse_entrypoint,
    "VOLUME": setting.parse_volume,
    "USER": setting.parse_user,
    "WORKDIR": setting.parse_workdir,
    "ARG": setting.parse_arg,
    "ONBUILD": _parse_onbuild,
    "STOPSIGNAL": setting.parse_stopsignal,
    "HEALTHCHECK": running.parse_healthcheck,
    "SHELL": running.parse_shell,
    "MAINTAINER": setting.parse_maintainer,
}
