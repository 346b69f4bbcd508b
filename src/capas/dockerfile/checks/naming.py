"""Names and case: of stages, of instructions, of AS; comments that describe; empty lines in a continuation."""

from __future__ import annotations

from collections.abc import Iterator

from capas.dockerfile.checks.finding import Edit, Finding, note
from capas.dockerfile.checks.rule import docker_rule
from capas.dockerfile.checks.subject import StageText, Step, Subject
from capas.dockerfile.instructions import Arg
from capas.dockerfile.position import Position
from capas.dockerfile.request import Request
from capas.dockerfile.words import Word

STAGE_NAME_CASING = docker_rule(
    "StageNameCasing", "Stage names are lower case by custom, and are compared without case", "stage-name-casing"
)
FROM_AS_CASING = docker_rule("FromAsCasing", "AS reads best in the case that FROM has", "from-as-casing")
CONSISTENT_CASING = docker_rule(
    "ConsistentInstructionCasing",
    "Instructions are told from arguments at a glance when all have one case",
    "consistent-instruction-casing",
)
DUPLICATE_STAGE = docker_rule(
    "DuplicateStageName",
    "Of two stages with one name only the later can be built or copied from",
    "duplicate-stage-name",
    "DL3024",
)
RESERVED_STAGE = docker_rule(
    "ReservedStageName", "scratch and context mean something else already", "reserved-stage-name"
)
EMPTY_CONTINUATION = docker_rule(
    "NoEmptyContinuation", "Empty lines in an instruction will become errors in docker", "no-empty-continuation"
)
DEFINITION_DESCRIPTION = docker_rule(
    "InvalidDefinitionDescription",
    "A comment right above an ARG or a stage is shown as its description, so it begins with the name",
    "invalid-definition-description",
    experimental=True,
)
RULES = (
    STAGE_NAME_CASING, FROM_AS_CASING, CONSISTENT_CASING, DUPLICATE_STAGE, RESERVED_STAGE, EMPTY_CONTINUATION,
    DEFINITION_DESCRIPTION,
)  # fmt: skip

_RESERVED = frozenset({"scratch", "context"})


def check_stage_names(subject: Subject) -> Iterator[Finding]:
    """Their case, names that two have, names that are taken."""
    seen: set[str] = set()
    for stage in subject.stages:
        if not stage.name:
            continue
        place, lower = _place(stage.request, stage.request.words()[2]), stage.name.lower()
        if stage.name != lower:
            yield note(
                STAGE_NAME_CASING, place, "Stage name '{name}' should be lowercase", name=stage.name, lower=lower,
                hint="write {lower}", edits=[Edit(place, lower)],
            )  # fmt: skip
        if lower in _RESERVED:
            yield note(
                RESERVED_STAGE, place, 'Stage name should not use the same name as reserved stage "{name}"',
                name=lower, hint="choose another name",
            )  # fmt: skip
        if lower in seen:
            yield note(
                DUPLICATE_STAGE, place, 'Duplicate stage name "{name}", stage names should be unique', name=lower,
                hint="give one of them another name",
            )  # fmt: skip
        seen.add(lower)


def check_as(subject: Subject) -> Iterator[Finding]:
    """FROM … AS, from … as."""
    for stage in subject.stages:
        keyword = stage.request.keyword.text
        if not stage.name or _is_mixed(keyword):
            continue
        word = stage.request.words()[1]
        wanted = "as" if keyword.islower() else "AS"
        if word.text != wanted:
            place = _place(stage.request, word)
            yield note(
                FROM_AS_CASING, place, "'{word}' and '{keyword}' keywords' casing do not match", word=word.text,
                keyword=keyword, wanted=wanted, hint="write {wanted}", edits=[Edit(place, wanted)],
            )  # fmt: skip


def check_keywords(subject: Subject) -> Iterator[Finding]:
    """One case for all, that of the most."""
    requests = [request for stage in subject.stages for request in _requests(stage)]
    words = [request.keyword.text for request in requests if not _is_mixed(request.keyword.text)]
    lower = sum(word.islower() for word in words) * 2 > len(words)
    for request in requests:
        word = request.keyword.text
        wanted = word.lower() if lower else word.upper()
        if word != wanted:
            place = _place(request, request.keyword)
            yield note(
                CONSISTENT_CASING, place, "Command '{word}' should match the case of the command majority ({case})",
                word=word, case="lowercase" if lower else "uppercase", wanted=wanted, hint="write {wanted}",
                edits=[Edit(place, wanted)],
            )  # fmt: skip


def check_continuations(subject: Subject) -> Iterator[Finding]:
    """Lines of an instruction with nothing on them."""
    for line in subject.lexed.lines:
        rows = {row for _, row, _ in line.pieces}
        last = line.pieces[-1][1]
        empty = [row for row in range(min(rows), last) if row not in rows and not subject.source.lines[row - 1].strip()]
        if empty:
            edits = [Edit(Position(row, 1, row + 1, 1), "") for row in empty]
            yield note(
                EMPTY_CONTINUATION, Position.at(empty[0], 1), "Empty continuation line", hint="delete line {row}",
                row=", ".join(map(str, empty)), edits=edits,
            )  # fmt: skip


def check_descriptions(subject: Subject) -> Iterator[Finding]:
    """`# name what it is`, right above ARG and FROM."""
    for request, names in _described(subject):
        comment = next(subject.comments_above(request.position.line), (0, ""))[1]
        if comment and comment.split(" ")[0] not in names and not _is_directive(subject, comment):
            yield note(
                DEFINITION_DESCRIPTION, request.position,
                "Comment for {instruction} should follow the format: `# {name} <description>`",
                instruction=request.name, name=names[0] if len(names) == 1 else "<arg_key>",
                hint="begin the comment with that name, or put an empty line or comment between them",
            )  # fmt: skip


def _described(subject: Subject) -> Iterator[tuple[Request, list[str]]]:
    steps: list[Step] = [*subject.global_steps, *(step for _, step in subject.iter_steps())]
    for step in steps:
        if isinstance(step.instruction, Arg):
            yield step.request, [pair.key for pair in step.instruction.pairs]
    for stage in subject.stages:
        if stage.name:
            yield stage.request, [stage.name]


def _is_directive(subject: Subject, comment: str) -> bool:
    name = comment.partition("=")[0].strip().lower()
    return any(name == key for key, _ in subject.lexed.directives) or comment.startswith("hadolint ")


def _requests(stage: StageText) -> Iterator[Request]:
    yield stage.request
    yield from (step.request for step in stage.steps)


def _is_mixed(word: str) -> bool:
    return word not in (word.lower(), word.upper())


def _place(request: Request, word: Word) -> Position:
    return request.line.at(word.start, word.end)
