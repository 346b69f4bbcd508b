"""What a build would do: which steps the cache has, and why the others would be done again. Nothing is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from capas.build.bench import Bench
from capas.build.build import opened_bench
from capas.build.explain import FIRST, PRUNED, Explainer, describe_step
from capas.build.plan import Planner
from capas.build.ports import BuildPorts
from capas.build.predefined import chosen_syntax
from capas.build.request import BuildRequest
from capas.build.solver import look_up, open_explainer
from capas.build.vertex import Op, Solved, Source, Vertex, iter_vertices
from capas.dockerfile.parse import parse_dockerfile
from capas.errors import CapasError
from capas.events import Cause, Report, ignore


class Verdict(NamedTuple):
    """One step: in the cache, or done again for these causes."""

    step: str
    title: str
    causes: tuple[Cause, ...] = ()

    @property
    def cached(self) -> bool:
        """Whether an earlier result would do."""
        return not self.causes


def forecast(request: BuildRequest, ports: BuildPorts, *, report: Report = ignore) -> tuple[Verdict, ...]:
    """A verdict a step, in the order of the Dockerfile. Base images that are not here are pulled.

    Raises: as `build`, for what is wrong with the Dockerfile or missing from the context.
    """
    with opened_bench(request, ports, report=report) as (bench, context, _):
        dockerfile = parse_dockerfile(context.dockerfile, context.dockerfile_name, syntax=chosen_syntax(bench.request))
        state = Planner(dockerfile, request, ports.resolve_image, bench.named).plan()
        vertices = list(iter_vertices([state.vertex]))
        seer = _Seer(bench, open_explainer(bench, vertices))
        for vertex in vertices:
            seer.see(vertex)
    ordered = sorted((vertex for vertex in vertices if vertex in seer.verdicts), key=lambda vertex: vertex.note.line)
    return tuple(seer.verdicts[vertex] for vertex in ordered)


class _Seer:
    """Goes up the graph; what stands on a step that would be done again has no key yet."""

    def __init__(self, bench: Bench, explainer: Explainer) -> None:
        self._bench = bench
        self._explainer = explainer
        self._solved: dict[Vertex, Solved] = {}
        self.verdicts: dict[Vertex, Verdict] = {}

    def see(self, vertex: Vertex) -> None:
        """Judge one vertex. Order: after its inputs."""
        if isinstance(vertex.op, Source):
            self._solved[vertex] = Solved(vertex.op.layers)
            return
        inputs = [self._solved[below] for below in vertex.inputs]
        try:
            solved, causes = self._judge(vertex, vertex.op, inputs)
        except CapasError as error:
            raise vertex.op.locate(error) from None
        self._solved[vertex] = solved
        self.verdicts[vertex] = Verdict(vertex.step, vertex.op.title, causes)

    def _judge(self, vertex: Vertex, op: Op, inputs: Sequence[Solved]) -> tuple[Solved, tuple[Cause, ...]]:
        work = op.begin(inputs, self._bench, vertex.step)
        unknown = Solved(known=False)
        if not all(one.known for one in inputs):
            look = all(one.known for one in inputs[1:])  # files of a stage that is not built cannot be
            causes = self._explainer.explain(vertex, work, look=look)
            if causes == (FIRST,):
                return unknown, causes
            return unknown, (*(cause for cause in causes if cause != PRUNED), *self._redone(vertex))
        found = look_up(op, work, self._bench)
        if found.made is None:
            return unknown, self._explainer.explain(vertex, work, gone=found.gone)
        self._explainer.found(vertex, found.key)
        return inputs[0].with_made(found.made, cached=True), ()

    def _redone(self, vertex: Vertex) -> Iterator[Cause]:
        """The steps that it copies from and that would be done again."""
        for below in vertex.inputs[1:]:
            if not self._solved[below].known:
                yield Cause("from", describe_step(below))
