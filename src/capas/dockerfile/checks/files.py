"""COPY and ADD: files that are left out, where they come from and where they go."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from capas.dockerfile.checks.finding import Finding, note
from capas.dockerfile.checks.rule import Severity, docker_rule, hadolint_rule
from capas.dockerfile.checks.shell import Command, read_script
from capas.dockerfile.checks.subject import StageText, Step, Subject
from capas.dockerfile.instructions import Add, Copy, Workdir

COPY_IGNORED = docker_rule(
    "CopyIgnoredFile",
    "What .dockerignore leaves out is not in the context",
    "copy-ignored-file",
    experimental=True,
)
ADD_FILES = hadolint_rule("DL3020", Severity.ERROR, "ADD also fetches and unpacks: COPY says that neither is meant")
EXTRACTED = hadolint_rule("DL3010", Severity.INFO, "ADD unpacks an archive without keeping it in a layer")
NO_SLASH = hadolint_rule("DL3021", Severity.ERROR, "Several sources need a directory to go to")
UNKNOWN_STAGE = hadolint_rule("DL3022", Severity.WARNING, "An image in --from is as loose as one in FROM without a tag")
OWN_STAGE = hadolint_rule("DL3023", Severity.ERROR, "A stage cannot copy from itself")
RELATIVE_TARGET = hadolint_rule("DL3045", Severity.WARNING, "Where it lands depends on the base image")
WHOLE_STAGE = hadolint_rule("DL3067", Severity.WARNING, "It brings the other stage's whole system along")
RULES = (
    COPY_IGNORED, ADD_FILES, EXTRACTED, NO_SLASH, UNKNOWN_STAGE, OWN_STAGE, RELATIVE_TARGET, WHOLE_STAGE,
)  # fmt: skip

_ARCHIVE = re.compile(r".*\.(?:tar|Z|bz2|gz|lz|lzma|tZ|tb2|tbz|tbz2|tgz|tlz|tpz|txz|xz)[\"']?")
_REMOTE = re.compile(r"[\"']?(?:https?://|git://|git@|ssh://).*")
_UNPACKERS = frozenset({"unzip", "gunzip", "bunzip2", "unlzma", "unxz", "zgz", "uncompress", "zcat", "gzcat"})


def check_ignored(subject: Subject) -> Iterator[Finding]:
    """Sources that .dockerignore leaves out."""
    if subject.ignore is None:
        return
    for _, step in subject.iter_steps():
        places = step.instruction
        if not isinstance(places, Copy | Add) or (isinstance(places, Copy) and places.origin):
            continue
        for source in places.sources:
            path = posixpath.normpath("/" + source).lstrip("/")
            if _REMOTE.fullmatch(source) or "$" in source or not path:
                continue
            rule = subject.ignore.find_rule(path)
            if rule is not None and not rule.exception:
                yield note(
                    COPY_IGNORED, step.request.position,
                    'Attempting to {instruction} file "{file}" that is excluded by .dockerignore',
                    instruction=step.request.name.capitalize(), file=source, pattern=rule.pattern,
                    hint="add the line !{file} to .dockerignore, or mend the pattern {pattern}",
                )  # fmt: skip


def check_add(subject: Subject) -> Iterator[Finding]:
    """ADD of what COPY copies as well."""
    for _, step in subject.iter_steps():
        add = step.instruction
        if isinstance(add, Add):
            plain = [source for source in add.sources if not _ARCHIVE.fullmatch(source) and not _REMOTE.match(source)]
            if plain:
                yield note(
                    ADD_FILES, step.keyword, "ADD of {source}, which is no archive and no address", source=plain[0],
                    hint="write COPY",
                )  # fmt: skip


def check_extracted(subject: Subject) -> Iterator[Finding]:
    """An archive that is copied, and unpacked by a RUN."""
    for stage in subject.stages:
        copied: dict[str, Step] = {}
        for step in stage.steps:
            copied |= dict.fromkeys(_archives(step), step)
            if step.run is None or not copied:
                continue
            unpacked = {name for command in read_script(step.request, step.run).commands for name in _unpacks(command)}
            for name in sorted(unpacked & copied.keys()):
                yield note(
                    EXTRACTED, copied.pop(name).request.position, "{archive} is copied, and unpacked on line {row}",
                    archive=name, row=step.row, hint="write ADD {archive}, which unpacks it",
                )  # fmt: skip


def check_sources(subject: Subject) -> Iterator[Finding]:
    """--from, several sources, the whole of a stage."""
    for stage, step in subject.iter_steps():
        copy = step.instruction
        if not isinstance(copy, Copy):
            continue
        if len(copy.sources) > 1 and not copy.target.strip("\"'").endswith(("/", ".")) and "$" not in copy.target:
            yield note(
                NO_SLASH, step.request.position, "{target} does not end with a slash", target=copy.target,
                hint="write {target}/",
            )  # fmt: skip
        if copy.origin and copy.origin.lower() == stage.name.lower():
            yield note(
                OWN_STAGE, step.request.position, "--from={origin} is this very stage", origin=copy.origin,
                hint="leave --from out, or name another stage",
            )  # fmt: skip
        elif copy.origin and ":" not in copy.origin and not _is_stage(subject, stage, copy.origin):
            yield note(
                UNKNOWN_STAGE, step.request.position, "--from={origin} is no stage above, and has no tag",
                origin=copy.origin,
                hint="write FROM {origin} AS a-name before, and copy --from=a-name",
            )  # fmt: skip
        if copy.origin and copy.target.strip("\"'") == "/" and any(each.strip("\"'") == "/" for each in copy.sources):
            yield note(
                WHOLE_STAGE, step.request.position, "All of {origin} is copied over this stage", origin=copy.origin,
                hint="copy what is needed, or begin the stage with FROM {origin}",
            )  # fmt: skip


def check_targets(subject: Subject) -> Iterator[Finding]:
    """COPY to a relative path, with no WORKDIR in sight."""
    chosen: set[int] = set()
    for stage in subject.stages:
        below = subject.find_stage(stage.stage.base, stage.stage.index)
        is_set = below is not None and below.stage.index in chosen
        for step in stage.steps:
            is_set = is_set or isinstance(step.instruction, Workdir)
            if isinstance(step.instruction, Copy) and not is_set:
                target = step.instruction.target.strip("\"'")
                if not re.match(r"/|\$|[a-zA-Z]:[\\/]", target):
                    yield note(
                        RELATIVE_TARGET, step.request.position, "{target} is relative, and no WORKDIR is set",
                        target=target, hint="write WORKDIR before it, or an absolute target",
                    )  # fmt: skip
        if is_set:
            chosen.add(stage.stage.index)


def _archives(step: Step) -> Iterator[str]:
    copy = step.instruction
    if isinstance(copy, Copy) and not copy.origin:
        places = (copy.target,) if _ARCHIVE.fullmatch(copy.target) else copy.sources
        yield from (place.strip("\"'").rpartition("/")[2] for place in places if _ARCHIVE.fullmatch(place))


def _unpacks(command: Command) -> Iterator[str]:
    extracts = command.name.text == "tar" and any(
        word.text in ("--extract", "--get") or (word.text.startswith("-") and "x" in word.text)
        for word in command.words
    )
    if extracts or command.name.text in _UNPACKERS:
        yield from (word.text.rpartition("/")[2] for word in command.words if not word.text.startswith("-"))


def _is_stage(subject: Subject, stage: StageText, origin: str) -> bool:
    return subject.find_stage(origin, stage.stage.index) is not None
