"""The subject: a Dockerfile as checks look at it, its words still as they were written.

Unlike the parser it goes on after an instruction that is wrong, and keeps what the parser throws away.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from capas.dockerfile.checks.shell import Script, is_posix, read_script
from capas.dockerfile.ignore import Ignore
from capas.dockerfile.instructions import Arg, Dockerfile, Instruction, Onbuild, Run, Shell, Stage
from capas.dockerfile.lexer import Lexed, lex
from capas.dockerfile.parse import assemble, parse_from, parse_global, parse_request
from capas.dockerfile.position import Position
from capas.dockerfile.request import Request, cut
from capas.dockerfile.source import Source
from capas.errors import CapasError


class BaseFacts(NamedTuple):
    """What is known of a base image: its variables, and whether it sets SHELL."""

    env: Mapping[str, str]
    has_shell: bool = False


class Step(NamedTuple):
    """An instruction: as written, and as a value (None where it cannot be read)."""

    request: Request
    instruction: Instruction | None

    @property
    def keyword(self) -> Position:
        """Where its first word stands."""
        word = self.request.keyword
        return self.request.line.at(word.start, word.end)

    @property
    def run(self) -> Run | None:
        """The RUN that this is, also behind ONBUILD."""
        inner = self.instruction.inner if isinstance(self.instruction, Onbuild) else self.instruction
        return inner if isinstance(inner, Run) else None

    @property
    def row(self) -> int:
        """The line where it begins."""
        return self.request.position.line


class StageText(NamedTuple):
    """A FROM and what follows it. `name` has the case in which it was written, "" for none."""

    request: Request
    stage: Stage
    name: str
    steps: tuple[Step, ...]


class RunScript(NamedTuple):
    """A RUN (also behind ONBUILD), and the commands in it."""

    stage: StageText
    step: Step
    run: Run
    script: Script


class Subject(NamedTuple):
    """A whole file. `errors` are the instructions that cannot be read; with none of them, `dockerfile` is there."""

    source: Source
    lexed: Lexed
    escape: str
    global_steps: tuple[Step, ...]
    stages: tuple[StageText, ...]
    runs: tuple[RunScript, ...]
    errors: tuple[CapasError, ...]
    dockerfile: Dockerfile | None
    named: Mapping[str, Sequence[StageText]]  # by their names in lower case
    ignore: Ignore | None = None
    find_base: Callable[[str], BaseFacts | None] = lambda word: None

    def iter_steps(self) -> Iterator[tuple[StageText, Step]]:
        """Every instruction inside a stage."""
        return ((stage, step) for stage in self.stages for step in stage.steps)

    def find_stage(self, word: str, before: int) -> StageText | None:
        """The latest stage of this name (any case) ahead of the stage with index `before`."""
        return _find_stage(self.named, word, before)

    def comments_above(self, row: int) -> Iterator[tuple[int, str]]:
        """The comment lines right above a line, the nearest first: row and text without `#`."""
        while row > 1 and (text := self.source.lines[row - 2].strip()).startswith("#"):
            row -= 1
            yield row, text[1:].strip()


def read_subject(
    text: str,
    name: str = "Dockerfile",
    *,
    syntax: str = "",
    ignore: Ignore | None = None,
    find_base: Callable[[str], BaseFacts | None] = lambda word: None,
) -> Subject:
    """Read a Dockerfile for checks; `syntax` as with `parse_dockerfile`. `find_base` may know a base image.

    Raises: Invalid, Unsupported for what the lexer refuses; all else that is wrong is in `errors`.
    """
    lexed = lex(text, name, syntax=syntax)
    reading = _Reading()
    for line in lexed.lines:
        reading.take(cut(line))
    stages = reading.list_texts()
    named = _by_name(stages)
    dockerfile = reading.assemble(lexed)
    return Subject(
        lexed.source, lexed, lexed.escape, tuple(reading.first), stages, tuple(_iter_runs(stages, named)),
        tuple(reading.errors), dockerfile, named, ignore, find_base,
    )  # fmt: skip


def _by_name(stages: Iterable[StageText]) -> dict[str, list[StageText]]:
    named: dict[str, list[StageText]] = {}
    for stage in stages:
        if stage.name:
            named.setdefault(stage.name.lower(), []).append(stage)
    return named


def _find_stage(named: Mapping[str, Sequence[StageText]], word: str, before: int) -> StageText | None:
    found = named.get(word.lower(), ())
    at = bisect_left(found, before, key=lambda stage: stage.stage.index)
    return found[at - 1] if at else None


def _iter_runs(stages: Iterable[StageText], named: Mapping[str, Sequence[StageText]]) -> Iterator[RunScript]:
    posix: dict[int, bool] = {}  # whether the shell that a stage ends with is one whose language is known here
    for stage in stages:
        below = _find_stage(named, stage.stage.base, stage.stage.index)
        known = posix[below.stage.index] if below is not None else True
        for step in stage.steps:
            if isinstance(step.instruction, Shell):
                known = is_posix(step.instruction.shell)
            if step.run is not None:
                yield RunScript(stage, step, step.run, read_script(step.request, step.run, posix=known))
        posix[stage.stage.index] = known


class _Reading:
    """Gathers instructions into stages."""

    def __init__(self) -> None:
        self.first: list[Step] = []
        self.stages: list[tuple[tuple[Request, Stage, str], list[Step]]] = []
        self.errors: list[CapasError] = []

    def take(self, request: Request) -> None:
        if request.name == "FROM":
            self._take_from(request)
            return
        steps = self.stages[-1][1] if self.stages else self.first
        try:
            steps.append(Step(request, (parse_request if self.stages else parse_global)(request)))
        except CapasError as error:
            self.errors.append(error)
            steps.append(Step(request, None))

    def list_texts(self) -> tuple[StageText, ...]:
        """The stages, as they are written."""
        return tuple(StageText(request, stage, name, tuple(steps)) for (request, stage, name), steps in self.stages)

    def assemble(self, lexed: Lexed) -> Dockerfile | None:
        """The file, if nothing in it is wrong."""
        args = [step.instruction for step in self.first if isinstance(step.instruction, Arg)]
        stages = [
            stage._replace(instructions=tuple(step.instruction for step in steps if step.instruction))
            for (_, stage, _), steps in self.stages
        ]
        try:
            return None if self.errors else assemble(lexed, args, stages)
        except CapasError as error:
            self.errors.append(error)
            return None

    def _take_from(self, request: Request) -> None:
        try:
            self.stages.append(((request, parse_from(request, len(self.stages)), _name(request)), []))
        except CapasError as error:
            self.errors.append(error)


def _name(request: Request) -> str:
    words = request.words()
    return words[2].text if len(words) == 3 else ""
