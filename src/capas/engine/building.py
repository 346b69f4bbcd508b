"""`build`, wired: the graph's ports are this engine's store, client, snapshots and runtime."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from capas.build.build import build, build_many, check
from capas.build.exporters.choice import complete_outputs
from capas.build.exporters.exported import Exported
from capas.build.exporters.exporting import check_outputs
from capas.build.ports import BuildPorts
from capas.build.request import BuildRequest, Built
from capas.chance import token
from capas.clock import now_ns
from capas.engine.bases import Bases
from capas.engine.fetching import fetch
from capas.engine.keeping import settle
from capas.engine.lookup import find_image
from capas.engine.platforms import host_platform
from capas.engine.rootless import enter_if_possible
from capas.errors import CapasError
from capas.events import Report, ignore
from capas.image.record import record_top
from capas.parallel import Nursery
from capas.reference import Reference
from capas.settings import parse_epoch

if TYPE_CHECKING:
    from capas.build.checking import Checked
    from capas.build.forecast import Verdict
    from capas.build.ports import LookRound, RunStep
    from capas.build.repeat import Repeated
    from capas.engine.engine import Engine
    from capas.image.image import Image
    from capas.run.step import StepSpec


class Wish(NamedTuple):
    """A build and the names that its image gets where its outputs say none."""

    request: BuildRequest
    tags: Sequence[str] = ()


class Visitor(Protocol):
    """Who wants a shell where a RUN failed."""

    def enters(self, error: CapasError) -> None:
        """The shell opens now, because of this error."""

    def is_kept_out(self, reason: CapasError) -> None:
        """There can be no shell."""


def build_image(
    engine: Engine,
    request: BuildRequest,
    *,
    tags: Sequence[str] = (),
    visitor: Visitor | None = None,
    nursery: Nursery | None = None,
    report: Report = ignore,
) -> Built:
    """Build and export; an image output without a name of its own takes every one of the tags.

    What settings say fills what the request leaves open. Cancelling the `nursery` ends the build.
    With a `visitor` a RUN that fails opens a shell at our
    terminal, in the state in which it began.
    """
    references = tuple(Reference.parse(tag).with_default_tag() for tag in tags)  # a bad tag costs no work
    whole = _whole(engine, request, references)
    _check(whole)
    enter_if_possible()  # threads come next, and a namespace is entered before them or never
    bases = Bases(engine, report)
    ports = _ports(engine, bases)
    if visitor is not None:
        ports = ports._replace(on_failure=partial(_look_round, engine, visitor))
    try:
        return build(whole, ports, nursery=nursery, report=report)
    finally:  # also after a step that failed: the next try stands on the same bases
        bases.settle()


def build_twice(
    engine: Engine, request: BuildRequest, *, tags: Sequence[str] = (), report: Report = ignore
) -> Repeated:
    """As `build_image`, and once more in other conditions: with the first thing in which the second build differed."""
    from capas.build.repeat import build_twice as twice

    whole = _whole(engine, request, tuple(Reference.parse(tag).with_default_tag() for tag in tags))
    _check(whole)
    enter_if_possible()
    bases = Bases(engine, report)
    try:
        return twice(whole, _ports(engine, bases), report=report)
    finally:
        bases.settle()


def _look_round(engine: Engine, visitor: Visitor, error: CapasError, look_round: LookRound) -> None:
    from capas.run.step import attend_step

    visitor.enters(error)
    try:
        look_round(lambda spec: attend_step(spec, engine.runtime, run_root=engine.settings.run_root))
    except CapasError as reason:
        visitor.is_kept_out(reason)


def build_all(
    engine: Engine, wishes: Mapping[str, Wish], wanted: Collection[str], *, report: Report = ignore
) -> Mapping[str, Built]:
    """Several builds in one graph, those `wanted` exported. What settings say fills what the requests leave open."""
    whole: dict[str, BuildRequest] = {}
    for name, wish in wishes.items():
        references = tuple(Reference.parse(tag).with_default_tag() for tag in wish.tags)
        request = whole[name] = _whole(engine, wish.request, references)
        if name in wanted:
            _check_target(name, request)
    enter_if_possible()
    bases = Bases(engine, report)
    try:
        return build_many(whole, wanted, _ports(engine, bases), report=report)
    finally:
        bases.settle()


def _check(request: BuildRequest) -> None:
    platforms = request.platforms or (request.platform or request.host_platform,)
    check_outputs(request.outputs, platforms, attested=bool(request.attestations))


def _check_target(name: str, request: BuildRequest) -> None:
    try:
        _check(request)
    except CapasError as error:
        raise type(error)("target {target}: {problem}", hint="{advice}", target=name, **error.as_facts()) from None


def forecast_build(engine: Engine, request: BuildRequest, *, report: Report = ignore) -> Sequence[Verdict]:
    """Which steps of a build the cache has, and why it does not have the others."""
    from capas.build.forecast import forecast

    enter_if_possible()
    return forecast(_whole(engine, request), _ports(engine, Bases(engine, report)), report=report)


def check_build(engine: Engine, request: BuildRequest) -> Checked:
    """What docker's build checks say of it. Of base images, those are known that are here."""

    def find_base(word: str) -> Image | None:
        try:
            found = find_image(engine.store.records, word)
        except CapasError:
            return None
        return engine.images.open(found.record) if found else None

    return check(_whole(engine, request), _ports(engine, Bases(engine, ignore)), find_base)


def _whole(engine: Engine, request: BuildRequest, names: Sequence[Reference] = ()) -> BuildRequest:
    """The request with what settings and this machine say for what it leaves open."""
    settings = engine.settings
    outputs = complete_outputs(request.outputs, names, request.compression)
    return request._replace(
        outputs=outputs,
        compression=request.compression or next((one.packing.kind for one in outputs if one.packing.kind), "gzip"),
        host_platform=host_platform(),
        source_date_epoch=_epoch(engine, request),
        environ=settings.environ,
        proxies=settings.proxies,
        ca_bundle=request.ca_bundle or settings.build_ca_bundle,
    )


def _epoch(engine: Engine, request: BuildRequest) -> int | None:
    """What the request says, else `--build-arg SOURCE_DATE_EPOCH=`, else the variable."""
    if request.source_date_epoch is not None:
        return request.source_date_epoch
    given = parse_epoch(request.build_args.get("SOURCE_DATE_EPOCH"))
    return engine.settings.source_date_epoch if given is None else given


def _ports(engine: Engine, bases: Bases) -> BuildPorts:
    store = engine.store

    def keep(exported: Exported, names: Sequence[Reference]) -> None:
        image = exported.preferred(host_platform())
        record_top(store, exported.top, image, names)
        settle(engine, image)

    return BuildPorts(
        store=store,
        cache=engine.build_cache,
        cache_root=engine.settings.root / "cache",
        clock=now_ns,
        resolve_image=bases.resolve,
        layer_files=engine.layer_files,
        snapshotter=lambda: engine.snapshotter,
        run_step=lambda: _run_step(engine),
        fetch=partial(fetch, engine.settings),
        new_id=token,
        keep=keep,
        client=lambda: engine.client,
    )


def _run_step(engine: Engine) -> RunStep:
    from capas.run.step import run_step

    runtime = engine.runtime

    def run(spec: StepSpec, *, cancelled: threading.Event, report: Report) -> int:
        return run_step(spec, runtime, run_root=engine.settings.run_root, cancelled=cancelled, report=report)

    return run
