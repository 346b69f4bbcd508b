"""A build on its way: a request planned for each of its platforms, and exported once its steps are done."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from capas.build.bench import Bench
from capas.build.caching.reading import read_caches
from capas.build.caching.writing import with_inline_cache, write_caches
from capas.build.checking import check_planned
from capas.build.context import Context
from capas.build.export import compose
from capas.build.exporters.exported import Attest
from capas.build.exporters.exporting import export, whole_images
from capas.build.exporters.metadata import metadata_of
from capas.build.plan import Planner
from capas.build.platforms import check_runnable, each_platform
from capas.build.ports import BuildPorts
from capas.build.predefined import chosen_syntax
from capas.build.request import Built
from capas.build.solver import Solver
from capas.build.stage import StageState
from capas.build.vertex import Solved, Vertex, iter_vertices
from capas.dockerfile.checks.finding import Finding
from capas.dockerfile.parse import parse_dockerfile
from capas.errors import NotFound, Told
from capas.events import Report, Said
from capas.image.image import Image
from capas.parallel import Nursery
from capas.store.contract import BlobStore
from capas.store.record import StepTime
from capas.store.records import LayerRecord
from capas.store.store import Store


class Job:
    """One request. Order: `plan`, the solver, `finish`."""

    def __init__(self, bench: Bench, context: Context, ports: BuildPorts) -> None:
        self.bench = bench
        self.planned: list[StageState] = []
        self._context = context
        self._ports = ports
        self._planners: list[Planner] = []
        self._findings: tuple[Finding, ...] = ()
        self._warnings: tuple[str, ...] = ()

    def plan(self, *, seated: bool = False) -> list[Vertex]:
        """The vertices to solve; `seated` where others share the graph. Raises: what is wrong with the Dockerfile."""
        bench, context = self.bench, self._context
        dockerfile = parse_dockerfile(context.dockerfile, context.dockerfile_name, syntax=chosen_syntax(bench.request))
        resolve = partial(self._ports.resolve_image, blobs=bench.blobs)
        requests = each_platform(bench.request)
        self._planners = [
            Planner(dockerfile, request, resolve, bench.named, report=bench.report) for request in requests
        ]
        self._warnings = _warnings(self._planners[0], bench.report)
        with Nursery(bench.request.max_parallel) as reading:
            read_caches(bench, self._ports, reading)
            states = [planner.plan() for planner in self._planners]
        self._findings = check_planned(context, bench.request, self._planners[0])
        check_runnable([state.vertex for state in states], bench.request.host_platform, bench.cache)
        for image in dict.fromkeys(image for planner in self._planners for image in planner.images()):
            _hold(image, bench.blobs)
        if seated:
            from capas.build.seats import seat

            states = seat(states, bench)
        self.planned = states
        return [state.vertex for state in states]

    def given(self) -> list[StageState]:
        """What another build gets of this one: its stages, with the labels that this build was told."""
        labels = self.bench.request.labels
        return [
            state._replace(execution=replace(state.execution, labels={**(state.execution.labels or {}), **labels}))
            if labels
            else state
            for state in self.planned
        ]

    def finish(self, solver: Solver) -> Built:
        """Every output, made. Order: after the solver is done. Raises: what an exporter raises."""
        bench, states = self.bench, self.planned
        targets = [state.vertex for state in states]
        solved = [solver.solved(vertex) for vertex in iter_vertices(targets) if vertex.inputs]
        _record_layers(self._ports.store, solved)
        composed = [compose(state, solver, bench) for state in states]
        if bench.request.take is not None:
            bench.request.take(whole_images(composed, bench))
        if any(target.type == "inline" for target in bench.request.cache_to):
            composed = [with_inline_cache(one, bench) for one in composed]
        exported = export(composed, bench, self._ports, self._open_attest(solver))
        _record_times(self._ports.store, exported.images, states, solver)
        write_caches(composed, bench, self._ports)
        image = exported.preferred(bench.request.host_platform)
        metadata = metadata_of(exported, bench.request.outputs, bench.scratch.path.name)
        return Built(
            image, exported, bench.request.outputs, metadata, len(solved), sum(one.cached for one in solved),
            self._warnings, self._findings,
        )  # fmt: skip

    def _open_attest(self, solver: Solver) -> Attest | None:
        """What attests the images, if any attestation was asked for."""
        if not self.bench.request.attestations:
            return None
        from capas.build.attestations.attester import Attester  # most builds have none

        planned = list(zip(self._planners, self.planned, strict=True))
        return Attester(self.bench, self._context, planned, solver).attest


def _warnings(planner: Planner, report: Report) -> tuple[str, ...]:
    unused = planner.list_unused_args()
    if not unused:
        return ()
    text = Told("[Warning] One or more build-args [{names}] were not consumed", {"names": " ".join(unused)})
    report(Said(text, stream="err"))
    return (text,)


def _hold(image: Image, blobs: BlobStore) -> None:
    """Keep an image's blobs until the build has ended. Raises: NotFound if one has gone."""
    for layer in image.layers:
        if not blobs.contains(layer.descriptor.digest):
            raise NotFound(
                "layer {digest} of image {image} is missing from the store", digest=layer.descriptor.digest.short,
                image=image.id.short, hint="pull the image again",
            )  # fmt: skip


def _record_times(store: Store, images: Sequence[Image], states: Sequence[StageState], solver: Solver) -> None:
    """What each step took, beside the images that are kept: `history --cost` tells it."""
    for image, state in zip(images, states, strict=False):
        if store.records.find_image(image.id) is not None:
            lines = [line.vertex for line in state.lines]
            times = [StepTime(None, None) if vertex is None else solver.time(vertex) for vertex in lines]
            if times != store.records.list_times(image.id):
                store.records.put_times(image.id, times)


def _record_layers(store: Store, solved: list[Solved]) -> None:
    """What image records need to know of the layers made here, so that nobody inflates them again to count.

    What a cache says of a layer is not taken for true: it is looked at when it arrives.
    """
    for one in solved:
        if one.made is not None and one.made.layer is not None and not one.cached:
            layer, blob = one.made.layer, one.made.layer.descriptor
            store.records.put_layer(
                LayerRecord(layer.diff_id, blob.digest, blob.media_type, blob.size, one.made.uncompressed_size)
            )
