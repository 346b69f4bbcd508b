"""A build from end to end: context, plan, solve, export."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from functools import partial

from capas.build.bench import Bench
from capas.build.checking import Checked, FindImage, check_context
from capas.build.context import Context, open_context
from capas.build.contexts import NamedContexts
from capas.build.exporters.exporting import check_pushes
from capas.build.job import Job
from capas.build.lazy import LazyBlobs
from capas.build.opening import Opening
from capas.build.ports import BuildPorts
from capas.build.request import BuildRequest, Built
from capas.build.scratch import opened_scratch
from capas.build.solver import Solver
from capas.build.step_cache import StepCache
from capas.build.vertex import Vertex
from capas.errors import CapasError
from capas.events import Report, ignore
from capas.parallel import Nursery


def build(
    request: BuildRequest, ports: BuildPorts, *, nursery: Nursery | None = None, report: Report = ignore
) -> Built:
    """Build what a Dockerfile describes, for every platform asked for, and export it as the request's outputs say.

    Whoever gives the `nursery` can cancel the build from another thread.
    Atomic: a failed or interrupted build leaves steps in the cache for the next one, and nothing else.
    Raises: Invalid, pointing into the Dockerfile, for what it says and for a RUN that fails; NotFound for a base or a
        source that is not there; Unsupported where there is no runtime for a RUN; Interrupted; Exhausted.
    """
    with opened_bench(request, ports, report=report, nursery=nursery) as (bench, context, nursery):
        job = Job(bench, context, ports)
        try:
            with nursery:
                check_pushes(bench, ports, nursery)
                solver = Solver(bench, nursery)
                solver.start(job.plan())
            return job.finish(solver)
        except CapasError as error:
            if ports.on_failure is not None and bench.look_round is not None:
                bench.cancelled.clear()  # all has stopped: what comes now is asked for
                ports.on_failure(error, bench.look_round)
            raise


def build_many(
    requests: Mapping[str, BuildRequest],
    wanted: Collection[str],
    ports: BuildPorts,
    *,
    report: Report = ignore,
) -> dict[str, Built]:
    """Several builds in one graph: equal steps are done once, and independent ones at once. What is `wanted`, exported.

    A context `target:NAME` is what another of the builds gives; those that a build needs come before it.
    Atomic: nothing is exported unless every step of all is done. Raises: as `build`.
    """
    jobs: dict[str, Job] = {}
    nursery = Nursery(max((request.max_parallel for request in requests.values()), default=1))
    with contextlib.ExitStack() as stack:
        bench: Bench | None = None
        for name, request in requests.items():
            opened = opened_bench(request, ports, report=report, nursery=nursery, beside=bench)
            bench, context, _ = stack.enter_context(opened)
            jobs[name] = Job(bench, context, ports)
        with nursery:
            solver = Solver(next(iter(jobs.values())).bench, nursery)
            targets: list[Vertex] = []
            for name, job in jobs.items():
                if name in wanted:
                    check_pushes(job.bench, ports, nursery)
                job.bench.named.targets = {key: other.given() for key, other in jobs.items() if other.planned}
                targets += job.plan(seated=True)
            solver.start(targets)
        return {name: job.finish(solver) for name, job in jobs.items() if name in wanted}


def check(request: BuildRequest, ports: BuildPorts, find_image: FindImage) -> Checked:
    """What docker's build checks say of a build's Dockerfile. Nothing is built or pulled: `find_image` knows bases.

    Raises: what the context raises, and Invalid for wrong options of checks.
    """
    with opened_bench(request, ports) as (bench, context, _):
        return check_context(context, bench.request, find_image)


@contextlib.contextmanager
def opened_bench(
    request: BuildRequest,
    ports: BuildPorts,
    *,
    report: Report = ignore,
    nursery: Nursery | None = None,
    beside: Bench | None = None,
) -> Iterator[tuple[Bench, Context, Nursery]]:
    """The workbench for a block, its context opened, and the nursery (not begun) that cancels its work.

    `beside` is another of the same graph: what one of them reads of caches, and knows of layers, is the other's too.

    Raises: NotFound; Invalid; Unavailable: what the context raises.
    """

    def bury(prefix: str) -> None:
        ports.store.kept.delete_ingests(prefix=prefix)

    with (
        opened_scratch(ports.cache_root / "scratch", ports.new_id(), bury=bury) as scratch,
        contextlib.ExitStack() as stack,
        ports.store.lease() as lease,
    ):
        blobs = LazyBlobs(lease.blobs, beside.blobs.elsewhere if beside else None)
        ports = ports._replace(resolve_image=partial(ports.resolve_image, blobs=blobs))
        opening = Opening(request, ports, scratch, stack)
        context, named = open_context(opening), NamedContexts(opening, blobs)
        nursery = nursery or Nursery(request.max_parallel)
        bench = Bench(
            request, ports, blobs, context.files, scratch,
            named=named, cache=beside.cache if beside else StepCache(ports.cache), cancelled=nursery.cancelled,
            report=report,
        )  # fmt: skip
        with contextlib.closing(bench):
            yield bench, context, nursery
