"""Instructions as planned: each gives the stage's next state, and a vertex where it can make a layer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, cast

from msgspec.structs import replace

from capas.build.copying import absolute, history_text, plan_add, plan_copy
from capas.build.ops.workdir import WorkdirOp
from capas.build.request import BuildRequest
from capas.build.running import Sources, plan_run
from capas.build.stage import StageState
from capas.build.vertex import Note, Op, Vertex
from capas.dockerfile import instructions as df
from capas.dockerfile.expand import Expander, expand_instruction
from capas.dockerfile.scope import Scope
from capas.errors import CapasError
from capas.image.editing import edit

_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
LAYERED = (df.Run, df.Copy, df.Add, df.Workdir)

FindVertex = Callable[[str], tuple[Vertex, str]]
FindFiles = Callable[[str], str]


class Steps:
    """The names of a stage's steps in events: `builder 2/5`, or `2/5` where there is one stage only."""

    def __init__(self, stage: str, total: int) -> None:
        self._prefix = f"{stage} " if stage else ""
        self._total = total
        self._count = 0

    def next(self) -> str:
        """The id of the next step."""
        self._count += 1
        return f"{self._prefix}{self._count}/{self._total}"


class InstructionPlanner(NamedTuple):
    """What the instructions of one stage are planned with. `find_vertex` gives what `--from` names, and its label;
    `find_files` the named context of files that it means ("": none), to be read without a vertex.
    """

    dockerfile: df.Dockerfile
    request: BuildRequest
    find_vertex: FindVertex
    steps: Steps
    find_files: FindFiles = lambda word: ""

    def apply(self, state: StageState, instruction: df.Instruction) -> StageState:
        """The state after one instruction. Raises: Invalid and others, pointing at it."""
        try:
            return self._apply(state, instruction)
        except CapasError as error:
            raise self.dockerfile.source.locate(error, instruction.position) from None

    def _apply(self, state: StageState, instruction: df.Instruction) -> StageState:
        if isinstance(instruction, df.Arg):
            return self._arg(state, instruction)
        expander = Expander(state.scope.variables, self.dockerfile.escape)
        instruction = expand_instruction(instruction, expander)
        planner = _PLANNERS.get(type(instruction))
        if planner is not None:
            return planner(self, state, instruction)
        if isinstance(instruction, df.Maintainer):
            config = replace(state.config, author=instruction.author)
            return state._replace(config=config).with_line(f"MAINTAINER {instruction.author}")
        execution, text = edit(state.execution, instruction, cmd_set=state.cmd_set)
        state = state._replace(execution=execution, cmd_set=state.cmd_set or isinstance(instruction, df.Cmd))
        if isinstance(instruction, df.Env):
            state = state._replace(scope=state.scope.with_env(instruction.pairs))
        return state.with_line(text) if text else state

    def _arg(self, state: StageState, arg: df.Arg) -> StageState:
        """ARG. The history has the value that the Dockerfile gives it, not the one of whoever builds, as BuildKit's."""
        scope, words = state.scope, ["ARG"]
        for pair in arg.pairs:
            default = pair.value and Expander(scope.variables, self.dockerfile.escape).word(pair.value)
            words.append(pair.key if default is None else f"{pair.key}={default}")
            scope = scope.with_arg(self.dockerfile, arg._replace(pairs=(pair,)))
        return state._replace(scope=scope).with_line(" ".join(words))

    def workdir(self, state: StageState, instruction: df.Workdir) -> StageState:
        """WORKDIR: the config's, and the directory itself."""
        path = absolute(instruction.path, state.workdir).rstrip("/") or "/"
        state = state._replace(execution=replace(state.execution, working_dir=path))
        text = f"WORKDIR {path}"
        if path == "/":
            return state.with_line(text)
        op = WorkdirOp(
            instruction.original, self._locator(instruction), path, state.execution.user, not self.request.no_cache
        )
        return state.with_line(text, self._vertex(state, op, instruction.position.line, state.vertex))

    def copy(self, state: StageState, instruction: df.Copy) -> StageState:
        """COPY: from the context, or from what --from names."""
        inputs, label = [state.vertex], ""
        context = self.find_files(instruction.origin) if instruction.origin else ""
        if instruction.origin and not context:
            source, label = self.find_vertex(instruction.origin)
            inputs.append(source)
        op = plan_copy(
            instruction, state.workdir, self._locator(instruction), label=label, context=context,
            use_cache=not self.request.no_cache,
        )  # fmt: skip
        return state.with_line(history_text(instruction), self._vertex(state, op, instruction.position.line, *inputs))

    def add(self, state: StageState, instruction: df.Add) -> StageState:
        """ADD: also archives and URLs."""
        op = plan_add(instruction, state.workdir, self._locator(instruction), use_cache=not self.request.no_cache)
        return state.with_line(
            history_text(instruction), self._vertex(state, op, instruction.position.line, state.vertex)
        )

    def run(self, state: StageState, run: df.Run) -> StageState:
        """RUN: the command, and everything it can see."""
        sources = Sources(self.find_files, self.find_vertex)
        planned = plan_run(run, state, self.request, sources, self._locator(run))
        return state.with_line(planned.text, self._vertex(state, planned.op, run.position.line, *planned.inputs))

    def _vertex(self, state: StageState, op: Op, line: int, *inputs: Vertex) -> Vertex:
        scope = state.scope
        mentioned = {name: scope.variables[name] for name in _VARIABLE.findall(op.title) if name in scope.variables}
        return Vertex(op, inputs, self.steps.next(), Note(line, mentioned, _arguments(scope)))

    def _locator(self, instruction: df.Instruction) -> Callable[[CapasError], CapasError]:
        return lambda error: self.dockerfile.source.locate(error, instruction.position)


def _arguments(scope: Scope) -> tuple[str, ...]:
    """The variables whose value is an ARG's."""
    return tuple(name for name, value in scope.args.items() if scope.env.get(name) != value)


_PLANNERS: dict[type, Callable[[InstructionPlanner, StageState, df.Instruction], StageState]] = {
    df.Workdir: lambda planner, state, one: planner.workdir(state, cast(df.Workdir, one)),
    df.Copy: lambda planner, state, one: planner.copy(state, cast(df.Copy, one)),
    df.Add: lambda planner, state, one: planner.add(state, cast(df.Add, one)),
    df.Run: lambda planner, state, one: planner.run(state, cast(df.Run, one)),
}
