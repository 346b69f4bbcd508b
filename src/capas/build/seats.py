"""Seats: several builds in one graph, each step done on the bench of its own build, and equal steps once.

A step that reads what only its build has (its context, its secrets) is equal to another build's only where both have
the same; any other step is what it is, whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from capas.build.bench import Bench
from capas.build.ops.files import CopyOp
from capas.build.ops.mounts import FilesMount, SecretMount, SshMount
from capas.build.ops.origin import ContextOrigin
from capas.build.ops.run import RunOp
from capas.build.request import BuildRequest
from capas.build.stage import StageState
from capas.build.vertex import Op, Solved, Source, Vertex, Work, digest_key, encode_key, iter_vertices
from capas.errors import CapasError

_OWN_MOUNTS = (FilesMount, SecretMount, SshMount)


class SeatedOp(NamedTuple):
    """An op to be done on one build's bench. `place` says what it can read there, "" where that does not matter."""

    op: Op
    bench: Bench
    place: str

    @property
    def title(self) -> str:
        """The instruction."""
        return self.op.title

    @property
    def use_cache(self) -> bool:
        """Whether an earlier result will do."""
        return self.op.use_cache

    @property
    def locate(self) -> Callable[[CapasError], CapasError]:
        """The same error, pointing at the instruction."""
        return self.op.locate

    @property
    def parts(self) -> Mapping[str, object]:
        """The op's own: where it is done is no part of a key."""
        return self.op.parts

    @property
    def definition(self) -> str:
        """The op's own, and what it can read."""
        return encode_key("at", self.place, self.op.definition) if self.place else self.op.definition

    def begin(self, inputs: Sequence[Solved], bench: Bench, step: str) -> Work:
        """Get ready, on the bench of its build."""
        return self.op.begin(inputs, self.bench, step)


def bare(op: Op | Source) -> Op | Source:
    """The op itself."""
    return op.op if isinstance(op, SeatedOp) else op


def seat(states: Sequence[StageState], bench: Bench) -> list[StageState]:
    """The same stages, their steps to be done on this bench; steps that have a seat keep it."""
    place = _place(bench.request)
    seated: dict[Vertex, Vertex] = {}
    for vertex in iter_vertices([state.vertex for state in states]):
        inputs = [seated[below] for below in vertex.inputs]
        op = vertex.op
        if not isinstance(op, Source | SeatedOp):
            op = SeatedOp(op, bench, place if _reads_its_own(op) else "")
        seated[vertex] = Vertex(op, inputs, vertex.step, vertex.note)
    return [_moved(state, seated) for state in states]


def _moved(state: StageState, seated: Mapping[Vertex, Vertex]) -> StageState:
    lines = tuple(line if line.vertex is None else line._replace(vertex=seated[line.vertex]) for line in state.lines)
    return state._replace(vertex=seated[state.vertex], lines=lines)


def _reads_its_own(op: Op) -> bool:
    if isinstance(op, CopyOp):
        return any(isinstance(origin, ContextOrigin) for origin in op.origins)
    return isinstance(op, RunOp) and any(isinstance(mount, _OWN_MOUNTS) for mount in op.mounts)


def _place(request: BuildRequest) -> str:
    """All that says what a build's context, named contexts, secrets and agents are."""
    local = Path(request.context)
    context = str(local.resolve()) if local.is_dir() else request.context
    return digest_key(
        context, request.file, request.dockerfile_text is None, dict(request.build_contexts),
        {name: list(source) for name, source in request.secrets.items()}, dict(request.ssh),
    )  # fmt: skip
