"""The solver: vertices done in their order, independent ones at once, each once, from the cache where it can be."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from capas.build.bench import Bench
from capas.build.explain import Explainer
from capas.build.past import Past
from capas.build.vertex import Made, Op, Solved, Source, Vertex, Work, iter_vertices
from capas.errors import CapasError, Interrupted
from capas.events import Explained, Failed, Finished, Planned, Started
from capas.parallel import Nursery
from capas.store.record import StepTime


class Solver:
    """One run over a graph. What a vertex needs is done before it; a failure stops what has not begun."""

    def __init__(self, bench: Bench, nursery: Nursery) -> None:
        self._bench = bench
        self._nursery = nursery
        self._lock = threading.Lock()
        self._solved: dict[Vertex, Solved] = {}
        self._waiting: dict[Vertex, int] = {}
        self._above: dict[Vertex, list[Vertex]] = defaultdict(list)
        self._explainer: Explainer

    def start(self, targets: Sequence[Vertex]) -> None:
        """Begin; the nursery's block ends when all is done. Results are in `solved` then."""
        vertices = list(iter_vertices(targets))
        self._explainer = open_explainer(self._bench, vertices)
        for vertex in vertices:
            if not isinstance(vertex.op, Source):
                inputs = tuple(below.digest for below in vertex.inputs)
                self._bench.report(Planned(vertex.step, vertex.op.title, vertex.digest, inputs))
            below = set(vertex.inputs)
            self._waiting[vertex] = len(below)
            for one in below:
                self._above[one].append(vertex)
        for vertex in vertices:
            if not vertex.inputs:
                self._nursery.start(self._solve, vertex)

    def solved(self, vertex: Vertex) -> Solved:
        """What a vertex gave. Order: after the nursery's block."""
        return self._solved[vertex]

    def time(self, vertex: Vertex) -> StepTime:
        """How long a step took when it was done, and whether that was before this build. Order: as `solved`."""
        return StepTime(self._explainer.seconds(vertex), self._solved[vertex].cached)

    def _solve(self, vertex: Vertex) -> None:
        self._nursery.check()
        solved = self._run(vertex)
        with self._lock:
            self._solved[vertex] = solved
            ready = []
            for above in self._above[vertex]:
                self._waiting[above] -= 1
                if not self._waiting[above]:
                    ready.append(above)
        for above in ready:
            self._nursery.start(self._solve, above)

    def _run(self, vertex: Vertex) -> Solved:
        op = vertex.op
        if isinstance(op, Source):
            return Solved(op.layers)
        inputs = [self._solved[below] for below in vertex.inputs]
        report = self._bench.report
        report(Started(vertex.step, op.title))
        began = time.monotonic()
        try:
            made, cached = self._find_or_make(vertex, op, op.begin(inputs, self._bench, vertex.step))
        except Interrupted:
            report(Failed(vertex.step, "CANCELED"))
            raise
        except CapasError as error:
            report(Failed(vertex.step, "ERROR"))
            raise op.locate(error) from None
        except BaseException:
            report(Failed(vertex.step, "CANCELED"))
            raise
        report(Finished(vertex.step, "CACHED" if cached else f"DONE {time.monotonic() - began:.1f}s"))
        return inputs[0].with_made(made, cached=cached)

    def _find_or_make(self, vertex: Vertex, op: Op, work: Work) -> tuple[Made, bool]:
        found = look_up(op, work, self._bench)
        if found.made is not None:
            self._explainer.found(vertex, found.key)
            return found.made, True
        self._bench.report(Explained(vertex.step, self._explainer.explain(vertex, work, gone=found.gone)))
        began = time.monotonic()
        made = work.make()
        learned = work.learned()
        self._bench.cache.put(learned, made, op.title)
        self._explainer.made(vertex, work, learned, time.monotonic() - began)
        return made, False


class Found(NamedTuple):
    """What the cache has of a step: its result and the key that knew it. `gone`: the result's blob is not there."""

    made: Made | None = None
    key: str = ""
    gone: bool = False


def look_up(op: Op, work: Work, bench: Bench) -> Found:
    """Ask the cache, by the cheapest key first."""
    gone = False
    for number, key in enumerate(work.keys() if op.use_cache else ()):
        for made in bench.cache.find_all(key):
            if made.layer is None or bench.blobs.contains(made.layer.descriptor.digest):
                bench.cache.use([key], made)
                if number:  # the dear key knew it: next time the cheap one will
                    bench.cache.put(work.learned(), made, op.title)
                return Found(made, key)
            gone = True
    return Found(gone=gone)


def open_explainer(bench: Bench, vertices: Sequence[Vertex]) -> Explainer:
    """The explainer of a build; it goes with the bench."""
    explainer = Explainer(Past(bench.cache_root / "steps.db"), bench.request, vertices)
    bench.close_later(explainer)
    return explainer
