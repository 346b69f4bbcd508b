"""What the config says: commands, labels, ports, the working directory, the user."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from capas.dockerfile.checks.finding import Edit, Finding, note
from capas.dockerfile.checks.rule import Severity, docker_rule, hadolint_rule
from capas.dockerfile.checks.subject import StageText, Step, Subject
from capas.dockerfile.checks.variables import look
from capas.dockerfile.instructions import (
    Cmd,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Label,
    Maintainer,
    Shell,
    User,
    Workdir,
)
from capas.dockerfile.position import Position
from capas.dockerfile.printer import print_instruction

JSON_ARGS = docker_rule(
    "JSONArgsRecommended",
    "In the shell form the shell gets the signals, and the program never hears of a stop",
    "json-args-recommended",
    "DL3025",
)
MAINTAINER = docker_rule(
    "MaintainerDeprecated", "MAINTAINER is out of use, a label says it", "maintainer-deprecated", "DL4000"
)
RELATIVE_WORKDIR = docker_rule(
    "WorkdirRelativePath", "Where it leads depends on the base image", "workdir-relative-path", "DL3000"
)
MULTIPLE = docker_rule(
    "MultipleInstructionsDisallowed", "Only the last one counts", "multiple-instructions-disallowed",
    "DL3012", "DL4003", "DL4004",
)  # fmt: skip
LEGACY_PAIR = docker_rule(
    "LegacyKeyValueFormat", "The form without = holds one value only, and is easily misread", "legacy-key-value-format"
)
PROTOCOL_CASE = docker_rule("ExposeProtoCasing", "Protocols are written in lower case", "expose-proto-casing")
PORT_MAPPING = docker_rule(
    "ExposeInvalidFormat", "An image cannot choose its host's addresses and ports", "expose-invalid-format"
)
ROOT_USER = hadolint_rule("DL3002", Severity.WARNING, "What runs as root can do more harm when it is broken into")
LABEL_KEY = hadolint_rule("DL3048", Severity.STYLE, "Tools expect keys of lower case letters, digits, dots and dashes")
NAMED_USER = hadolint_rule("DL3066", Severity.INFO, "A host cannot tell from a name that a container is not root's")
RULES = (
    JSON_ARGS, MAINTAINER, RELATIVE_WORKDIR, MULTIPLE, LEGACY_PAIR, PROTOCOL_CASE, PORT_MAPPING, ROOT_USER, LABEL_KEY,
    NAMED_USER,
)  # fmt: skip

_PLAIN_WORDS = re.compile(r"[\w./:=@%+, -]+", re.ASCII)
_LABEL_KEY = re.compile(r"[a-z](?:[a-z0-9_]|\.(?!\.)|-(?!-))*")
_TAKEN = ("com.docker.", "io.docker.", "org.dockerproject.")


def check_json_args(subject: Subject) -> Iterator[Finding]:
    """CMD and ENTRYPOINT in the shell form, where no SHELL was chosen."""
    chosen: dict[int, bool] = {}
    for stage in subject.stages:
        has_shell = _begins_with_shell(subject, stage, chosen)
        for step in stage.steps:
            has_shell = has_shell or isinstance(step.instruction, Shell)
            if isinstance(step.instruction, Cmd | Entrypoint) and step.instruction.command.shell and not has_shell:
                yield note(
                    JSON_ARGS, step.request.position,
                    "JSON arguments recommended for {instruction} to prevent unintended behavior related to OS signals",
                    instruction=step.request.name, example=_as_list(step.instruction.command.args[0]),
                    hint="write {instruction} {example}",
                )  # fmt: skip
        chosen[stage.stage.index] = has_shell


def check_maintainer(subject: Subject) -> Iterator[Finding]:
    """MAINTAINER."""
    for _, step in subject.iter_steps():
        if isinstance(step.instruction, Maintainer):
            yield note(
                MAINTAINER, step.keyword, "Maintainer instruction is deprecated in favor of using label",
                author=json.dumps(step.instruction.author, ensure_ascii=False),
                hint="write LABEL org.opencontainers.image.authors={author}",
            )  # fmt: skip


def check_workdir(subject: Subject) -> Iterator[Finding]:
    """The first WORKDIR of a stage is absolute."""
    chosen: set[int] = set()
    for seen in look(subject):
        below = subject.find_stage(seen.stage.stage.base, seen.stage.stage.index)
        is_set = below is not None and below.stage.index in chosen
        for sight in seen.sights:
            if not isinstance(sight.expanded, Workdir):
                continue
            path = sight.expanded.path
            unknown = not seen.complete and sight.unset
            if not is_set and not re.match(r"/|[a-zA-Z]:[\\/]", path) and not unknown:
                yield note(
                    RELATIVE_WORKDIR, sight.step.request.position,
                    'Relative workdir "{path}" can have unexpected results if the base image changes',
                    path=path, hint="write WORKDIR /{path}",
                )  # fmt: skip
            is_set = True
        if is_set:
            chosen.add(seen.stage.stage.index)


def check_once(subject: Subject) -> Iterator[Finding]:
    """Two CMD, ENTRYPOINT or HEALTHCHECK in one stage: all but the last are for nothing."""
    for stage in subject.stages:
        last: dict[type, Step] = {}
        for step in stage.steps:
            kind = type(step.instruction)
            if kind in (Cmd, Entrypoint, Healthcheck):
                if kind in last:
                    yield note(
                        MULTIPLE, last[kind].request.position,
                        "Multiple {instruction} instructions should not be used in the same stage because only the"
                        " last one will be used", instruction=step.request.name, row=step.row,
                        hint="delete it: the one on line {row} counts",
                    )  # fmt: skip
                last[kind] = step


def check_pairs(subject: Subject) -> Iterator[Finding]:
    """ENV key value."""
    for _, step in subject.iter_steps():
        pairs = step.instruction
        if isinstance(pairs, Env | Label) and pairs.legacy:
            text = print_instruction(pairs, subject.escape)
            place = step.request.position
            words = text.partition(" ")[2]  # a key with quotes in it has no other form
            can_mend = place.line == place.end_line and words.startswith(f"{pairs.pairs[0].key}=")
            yield note(
                LEGACY_PAIR, place,
                '"{instruction} key=value" should be used instead of legacy "{instruction} key value" format',
                instruction=step.request.name, text=text, hint="write {text}",
                edits=[Edit(_after_keyword(step), words)] if can_mend else (),
            )  # fmt: skip


def check_ports(subject: Subject) -> Iterator[Finding]:
    """Protocols in capitals, and ports with a host's."""
    for _, step in subject.iter_steps():
        if not isinstance(step.instruction, Expose):
            continue
        for word in step.request.words():
            port, slash, protocol = word.text.partition("/")
            place = step.request.line.at(word.start, word.end)
            if slash and protocol != protocol.lower() and "$" not in protocol:
                wanted = f"{port}/{protocol.lower()}"
                yield note(
                    PROTOCOL_CASE, place, "Defined protocol '{port}' in EXPOSE instruction should be lowercase",
                    port=word.text, wanted=wanted, hint="write {wanted}", edits=[Edit(place, wanted)],
                )  # fmt: skip
            if ":" in port and "$" not in port:
                wanted = port.rpartition(":")[2] + slash + protocol
                yield note(
                    PORT_MAPPING, place,
                    "EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'",
                    port=word.text, wanted=wanted, hint="write {wanted}, and choose the host's with run -p",
                    edits=[Edit(place, wanted.lower())],
                )  # fmt: skip


def check_users(subject: Subject) -> Iterator[Finding]:
    """The last USER of a stage, and users by name."""
    for stage in subject.stages:
        users = [step for step in stage.steps if isinstance(step.instruction, User)]
        for step in users:
            name = _user_of(step)
            if not name.isdecimal():
                yield note(
                    NAMED_USER, step.request.position, "The user {name} has no number", name=name,
                    hint="write the number of {name}",
                )  # fmt: skip
        if users and _user_of(users[-1]) in ("root", "0"):
            yield note(
                ROOT_USER, users[-1].request.position, "The last USER is root",
                hint="end with a USER that is not",
            )  # fmt: skip


def check_label_keys(subject: Subject) -> Iterator[Finding]:
    """Keys of labels."""
    for _, step in subject.iter_steps():
        for pair in step.instruction.pairs if isinstance(step.instruction, Label) else ():
            key = pair.key.strip("\"'")
            if not _LABEL_KEY.fullmatch(key) or key[-1] in "._-" or key.startswith(_TAKEN):
                yield note(
                    LABEL_KEY, step.request.position, "{key} is no good key of a label", key=key,
                    hint="write it in lower case letters, digits, dots, dashes and underscores",
                )  # fmt: skip


def _begins_with_shell(subject: Subject, stage: StageText, chosen: dict[int, bool]) -> bool:
    below = subject.find_stage(stage.stage.base, stage.stage.index)
    if below is not None:
        return chosen[below.stage.index]
    facts = subject.find_base(stage.stage.base)
    return facts is not None and facts.has_shell


def _as_list(text: str) -> str:
    return json.dumps(text.split()) if _PLAIN_WORDS.fullmatch(text) else '["program", "argument"]'


def _after_keyword(step: Step) -> Position:
    request = step.request
    return request.line.at(request.rest_at, len(request.line.text))


def _user_of(step: Step) -> str:
    assert isinstance(step.instruction, User)
    return step.instruction.user.strip("\"'").partition(":")[0]
