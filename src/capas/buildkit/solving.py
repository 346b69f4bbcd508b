"""A build for a client: its files are brought, our graph does the work, and what comes out goes back to it."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from capas.build.attestations.wish import Attestations
from capas.build.caching.flags import CacheSource, CacheTarget, check_cache_targets
from capas.build.exporters.output import Output
from capas.build.request import BuildRequest, Built
from capas.build.scratch import opened_scratch
from capas.buildkit.asking import Client
from capas.buildkit.content import ClientBlobs
from capas.buildkit.faults import build_fault
from capas.buildkit.files import bring_files
from capas.buildkit.job import Desk, Job
from capas.buildkit.outputs import ClientOutput
from capas.buildkit.wishes import only_inline, read_cache_exports, read_wishes
from capas.chance import token
from capas.engine.engine import Engine
from capas.errors import CapasError
from capas.oci.document import encode

Cache = TypeVar("Cache", CacheSource, CacheTarget)


def solve(job: Job, engine: Engine) -> Mapping[str, str]:
    """Build, in this thread; what BuildKit answers about it. Raises: GRPCError, with the place in the Dockerfile."""
    with opened_desk(job, engine) as desk:
        return _build(desk)


@contextlib.contextmanager
def opened_desk(job: Job, engine: Engine) -> Iterator[Desk]:
    """The desk for a block, whose errors are told to the client. Raises: GRPCError."""
    try:
        with (
            opened_scratch(engine.settings.root / "cache" / "scratch", token()) as scratch,
            contextlib.ExitStack() as stack,
            contextlib.closing(Client(job.caller, scratch.path)) as client,
        ):
            yield Desk(job, engine.speaking_as(client.find_login()), client, scratch, stack)
    except CapasError as error:
        fault = build_fault(error, job.telling.dockerfile)
        job.telling.fail(error, fault.message or "")
        raise fault from None


def _build(desk: Desk) -> Mapping[str, str]:
    order, telling = desk.job.order, desk.job.telling
    outputs = [ClientOutput.open(number, *given, desk) for number, given in enumerate(order.exporters)]
    request = BuildRequest(
        context="",
        outputs=tuple(one.output for one in outputs) or (Output(store=False),),
        cache_to=tuple(_at_client(one, desk) for one in read_cache_exports(order.cache_exports)),
        allow=order.allow,
        asked=desk.client,
        take=partial(order.result.keep, store=desk.engine.store) if order.result and order.result.is_wanted else None,
        **read_wishes(order.attributes),
    )
    request = request._replace(cache_from=tuple(_at_client(one, desk) for one in request.cache_from))
    makes_image = any(output.is_image for output in request.outputs)
    check_cache_targets(request.cache_to, makes_image=makes_image)
    if not makes_image and only_inline(order.attributes):
        request = request._replace(attestations=Attestations())
    try:
        request = request._replace(**bring_files(desk))
        built = desk.engine.images.build(request, nursery=desk.job.nursery, report=telling.report)
        for one in outputs:
            one.finish(desk)
    except BaseException:
        for one in outputs:
            one.abandon()
        raise
    telling.warn(built.findings)
    return _answer(built) | _cache_manifest(request.cache_to)


def _at_client(cache: Cache, desk: Desk) -> Cache:
    """A cache in a directory is in one of the client's."""
    return cache._replace(place=ClientBlobs(desk.job.caller, cache.path)) if cache.type == "local" else cache


def _cache_manifest(targets: Sequence[CacheTarget]) -> dict[str, str]:
    """What the client notes in the index of its cache's directory."""
    tops = [one.place.top for one in targets if isinstance(one.place, ClientBlobs) and one.place.top is not None]
    return {"cache.manifest": encode(tops[-1]).decode()} if tops else {}


def _answer(built: Built) -> dict[str, str]:
    """Texts under BuildKit's names, documents among them as base64 of JSON."""
    found: dict[str, str] = {}
    for name, value in built.metadata.items():
        if name.startswith("containerimage.") or name == "image.name":
            found[name] = value if isinstance(value, str) else base64.b64encode(json.dumps(value).encode()).decode()
    return found
