"""A build from end to end: context, plan, solve, export."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from capas.build.bench import Bench
from capas.build.checking import Checked, FindImage, check_context, check_planned
from capas.build.context import Context, open_context
from capas.build.contexts import NamedContexts
from capas.build.export import compose
from capas.build.exporters.exported import Attest
from capas.build.exporters.exporting import export
from capas.build.exporters.metadata import metadata_of
from capas.build.opening import Opening
from capas.build.plan import Planner
from capas.build.platforms import check_runnable, each_platform
from capas.build.ports import BuildPorts
from capas.build.predefined import chosen_syntax
from capas.build.request import BuildRequest, Built
from capas.build.scratch import opened_scratch
from capas.build.solver import Solver
from capas.build.stage import StageState
from capas.build.vertex import Solved, iter_vertices
from capas.dockerfile.parse import parse_dockerfile
from capas.errors import NotFound
from capas.events import Report, Said, ignore
from capas.image.image import Image
from capas.parallel import Nursery
from capas.store.contract import BlobStore
from capas.store.records import LayerRecord
from capas.store.store import Store


def build(request: BuildRequest, ports: BuildPorts, *, report: Report = ignore) -> Built:
    """Build what a Dockerfile describes, for every platform asked for, and export it as the request's outputs say.

    Atomic: a failed or interrupted build leaves steps in the cache for the next one, and nothing else.
    Raises: Invalid, pointing into the Dockerfile, for what it says and for a RUN that fails; NotFound for a base or a
        source that is not there; Unsupported where there is no runtime for a RUN; Interrupted; Exhausted.
    """
    with opened_bench(request, ports, report=report) as (bench, context, nursery):
        return _build(bench, ports, context, nursery)


def check(request: BuildRequest, ports: BuildPorts, find_image: FindImage) -> Checked:
    """What docker's build checks say of a build's Dockerfile. Nothing is built or pulled: `find_image` knows bases.

    Raises: what the context raises, and Invalid for wrong options of checks.
    """
    with opened_bench(request, ports) as (bench, context, _):
        return check_context(context, bench.request, find_image)


@contextlib.contextmanager
def opened_bench(
    request: BuildRequest, ports: BuildPorts, *, report: Report = ignore
) -> Iterator[tuple[Bench, Context, Nursery]]:
    """The workbench for a block, its context opened, and the nursery (not begun) that cancels its work.

    Raises: NotFound; Invalid; Unavailable: what the context raises.
    """

    def bury(prefix: str) -> None:
        ports.store.blobs.delete_ingests(prefix=prefix)

    with (
        opened_scratch(ports.cache_root / "scratch", ports.new_id(), bury=bury) as scratch,
        contextlib.ExitStack() as stack,
        ports.store.lease() as lease,
    ):
        opening = Opening(request, ports, scratch, stack)
        context, named = open_context(opening), NamedContexts(opening, lease.blobs)
        nursery = Nursery(request.max_parallel)
        bench = Bench(
            request, ports, lease.blobs, context.files, scratch,
            named=named, cancelled=nursery.cancelled, report=report,
        )  # fmt: skip
        with contextlib.closing(bench):
            yield bench, context, nursery


def _build(bench: Bench, ports: BuildPorts, context: Context, nursery: Nursery) -> Built:
    dockerfile = parse_dockerfile(context.dockerfile, context.dockerfile_name, syntax=chosen_syntax(bench.request))
    planners = [
        Planner(dockerfile, request, ports.resolve_image, bench.named, report=bench.report)
        for request in each_platform(bench.request)
    ]
    solver = Solver(bench, nursery)
    with nursery:
        warnings = _warnings(planners[0], bench.report)
        states = [planner.plan() for planner in planners]
        findings = check_planned(context, bench.request, planners[0])
        check_runnable([state.vertex for state in states], bench.request.host_platform, bench.cache)
        for image in dict.fromkeys(image for planner in planners for image in planner.images()):
            _hold(image, bench.blobs)
        solver.start([state.vertex for state in states])
    targets = [state.vertex for state in states]
    solved = [solver.solved(vertex) for vertex in iter_vertices(targets) if vertex.inputs]
    _record_layers(ports.store, solved)
    composed = [compose(state, solver, bench) for state in states]
    attest = _open_attest(bench, context, list(zip(planners, states, strict=True)), solver)
    exported = export(composed, bench, ports, attest)
    image = exported.preferred(bench.request.host_platform)
    metadata = metadata_of(exported, bench.request.outputs, bench.scratch.path.name)
    return Built(
        image, exported, bench.request.outputs, metadata, len(solved), sum(one.cached for one in solved), warnings,
        findings,
    )  # fmt: skip


def _open_attest(
    bench: Bench, context: Context, planned: Sequence[tuple[Planner, StageState]], solver: Solver
) -> Attest | None:
    """What attests the images, if any attestation was asked for."""
    if not bench.request.attestations:
        return None
    from capas.build.attestations.attester import Attester  # most builds have none

    return Attester(bench, context, planned, solver).attest


def _warnings(planner: Planner, report: Report) -> tuple[str, ...]:
    unused = planner.list_unused_args()
    if not unused:
        return ()
    text = f"[Warning] One or more build-args [{' '.join(unused)}] were not consumed"
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


def _record_layers(store: Store, solved: list[Solved]) -> None:
    """What image records need to know of layers, so that nobody inflates them again to count."""
    for one in solved:
        if one.made is not None and one.made.layer is not None:
            layer, blob = one.made.layer, one.made.layer.descriptor
            store.records.put_layer(
                LayerRecord(layer.diff_id, blob.digest, blob.media_type, blob.size, one.made.uncompressed_size)
            )
