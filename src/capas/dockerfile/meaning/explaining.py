"""Explaining: a whole Dockerfile in words, every line of it, also one that no builder can read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from capas.dockerfile.checks.checking import find_all
from capas.dockerfile.checks.finding import Finding
from capas.dockerfile.checks.linting import unreadable
from capas.dockerfile.checks.shell import Script
from capas.dockerfile.checks.subject import StageText, Step, Subject, read_subject
from capas.dockerfile.checks.variables import AUTOMATIC
from capas.dockerfile.ignore import Ignore
from capas.dockerfile.meaning.bases import explain_from
from capas.dockerfile.meaning.comments import explain_comment, explain_directive
from capas.dockerfile.meaning.instruction import explain_instruction
from capas.dockerfile.meaning.layout import explain_file_layout, explain_layout
from capas.dockerfile.meaning.reasons import why, why_from
from capas.dockerfile.meaning.scene import Scene
from capas.dockerfile.meaning.sentence import Risk, Sentence, told
from capas.dockerfile.meaning.stages import Flow, last_of
from capas.dockerfile.position import Position
from capas.dockerfile.source import Source

COMMENT = "#"


class Explained(NamedTuple):
    """Some lines of a Dockerfile: an instruction, a comment ("#") or a directive ("# syntax").

    `does` begins with the line itself, details follow; `form`: how it is laid out. `risks` are what it brings with it,
    `findings` what is wrong.
    `stage`: the number of its stage, None before the first FROM and for comments.
    """

    instruction: str
    position: Position
    does: tuple[Sentence, ...]
    why: Sentence | None = None
    form: tuple[Sentence, ...] = ()
    risks: tuple[Sentence, ...] = ()
    findings: tuple[Finding, ...] = ()
    stage: int | None = None


class Explanation(NamedTuple):
    """A whole file. `summary`: what it makes, and how its stages flow into each other; `subject` is a Dockerfile's."""

    source: Source
    summary: tuple[Sentence, ...]
    lines: tuple[Explained, ...]
    subject: Subject | None = None


def explain_dockerfile(text: str, name: str = "Dockerfile", *, ignore: Ignore | None = None) -> Explanation:
    """Every line of a Dockerfile in words. `ignore`: what its build context leaves out.

    Raises: Invalid, Unsupported for what the lexer refuses; an instruction that is wrong is a finding.

    >>> print(explain_dockerfile("FROM scratch\\nEXPOSE 80").lines[1].does[0])
    Says that a program in the container listens on port `80`
    """
    subject = read_subject(text, name, ignore=ignore)
    reader = _Reader(subject)
    lines = sorted([*reader.instructions(), *_comments(subject)], key=lambda line: line.position.line)
    findings = [*map(unreadable, subject.errors), *find_all(subject)]
    summary = (*Flow(subject, reader.ends).tell(), *explain_file_layout(text))
    return Explanation(subject.source, summary, tuple(_with_findings(lines, findings)), subject)


class _Reader:
    """Walks the file once, and knows what each instruction stands on."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._scripts: Mapping[int, Script] = {run.step.row: run.script for run in subject.runs}
        self.ends: list[Scene] = []

    def instructions(self) -> Iterator[Explained]:
        """Each instruction in order."""
        scene = Scene(self._subject, variables=dict(AUTOMATIC), escape=self._subject.escape)
        for step in self._subject.global_steps:
            yield _explained(step, scene, None)
            scene = scene.after(step.instruction, step.row)
        for stage in self._subject.stages:
            yield self._from(stage, scene)
            yield from self._steps(stage, self._begin(stage, scene))

    def _from(self, stage: StageText, outer: Scene) -> Explained:
        base = outer.expand(stage.stage.base)
        below = self._subject.find_stage(base, stage.stage.index)
        parts = list(explain_from(stage, outer))
        reason = why_from(base, is_stage=below is not None)
        line = _line("FROM", stage.request.position, parts, reason, stage.stage.index)
        return line._replace(form=tuple(explain_layout(stage.request)))

    def _begin(self, stage: StageText, outer: Scene) -> Scene:
        """The scene after a FROM: that of the stage below, or an image of which nothing is known."""
        below = self._subject.find_stage(outer.expand(stage.stage.base), stage.stage.index)
        scene = self.ends[below.stage.index] if below else Scene(self._subject, escape=self._subject.escape)
        entrypoint, cmd, _ = last_of(stage)
        return scene._replace(
            stage=stage, outer=outer.variables, entrypoint=entrypoint or scene.entrypoint, cmd=cmd or scene.cmd,
        )  # fmt: skip

    def _steps(self, stage: StageText, scene: Scene) -> Iterator[Explained]:
        for step in stage.steps:
            yield _explained(step, scene, self._scripts.get(step.row))
            scene = scene.after(step.instruction, step.row)
        self.ends.append(scene)


def _explained(step: Step, scene: Scene, script: Script | None) -> Explained:
    index = scene.stage.stage.index if scene.stage else None
    position = step.request.position
    if step.instruction is None:
        return Explained(step.request.name, position, (told("No builder can read this line"),), stage=index)
    parts = list(explain_instruction(step.instruction, scene, script))
    line = _line(step.request.name, position, parts, why(step.instruction, scene), index)
    return line._replace(form=tuple(explain_layout(step.request)))


def _line(
    name: str, position: Position, parts: Sequence[Sentence | Risk], reason: Sentence, stage: int | None
) -> Explained:
    does = tuple(part for part in parts if isinstance(part, Sentence))
    risks = tuple(part.problem for part in parts if isinstance(part, Risk))
    return Explained(name, position, does, reason, risks=risks, stage=stage)


def _comments(subject: Subject) -> Iterator[Explained]:
    """What begins with `#` outside of instructions: directives one by one, comments in blocks."""
    taken = {row for line in subject.lexed.lines for row in range(line.position.line, line.last_line + 1)}
    directives = list(subject.lexed.directives)
    block: list[int] = []
    for row, text in enumerate(subject.source.lines, 1):
        bare = text.strip()
        if row in taken or not bare:
            yield from _block(subject, block)
            block = []
        elif directives and not (row == 1 and bare.startswith("#!")):
            key, value = directives.pop(0)
            yield Explained(f"# {key}", Position.at(row, 1, len(text)), tuple(explain_directive(key, value)))
        else:
            block.append(row)
    yield from _block(subject, block)


def _block(subject: Subject, rows: Sequence[int]) -> Iterator[Explained]:
    if rows:
        lines = subject.source.lines[rows[0] - 1 : rows[-1]]
        place = Position(rows[0], 1, rows[-1], len(lines[-1]) + 1)
        yield Explained(COMMENT, place, tuple(explain_comment("\n".join(line.strip() for line in lines))))


def _with_findings(lines: Sequence[Explained], findings: Sequence[Finding]) -> Iterator[Explained]:
    """Each line with the findings that point into it; what points nowhere is the first line's."""
    starts = [line.position.line for line in lines]
    found: dict[int, list[Finding]] = {}
    for finding in findings:
        found.setdefault(max(bisect_right(starts, finding.position.line) - 1, 0), []).append(finding)
    for place, line in enumerate(lines):
        yield line._replace(findings=tuple(found.get(place, ())))
