"""Several platforms in one build: a request for each, and whether this machine can run their steps."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from capas.build.emulation import HANDLERS, check_emulator
from capas.build.ops.run import RunOp
from capas.build.request import BuildRequest
from capas.build.step_cache import StepCache
from capas.build.vertex import Vertex, iter_vertices
from capas.errors import Invalid, Unsupported
from capas.oci.platform import Platform


def each_platform(request: BuildRequest) -> list[BuildRequest]:
    """The request once for each of its platforms, in order. Raises: Invalid for one platform twice."""
    platforms = request.platforms or (request.platform or request.host_platform,)
    if len(set(platforms)) < len(platforms):
        raise Invalid("one platform is asked for twice: {platforms}", platforms=", ".join(map(str, platforms)))
    return [request._replace(platform=platform, platforms=platforms) for platform in platforms]


def check_runnable(targets: Iterable[Vertex], host: Platform, cache: StepCache, handlers: Path = HANDLERS) -> None:
    """See that every RUN can be run here, before any work. One that was run before may come from the cache.

    Raises: Unsupported, at the instruction, for a foreign platform that no emulator is registered for.
    """
    for vertex in iter_vertices(list(targets)):
        op = vertex.op
        if not isinstance(op, RunOp) or cache.knows(op.family):
            continue
        try:
            check_emulator(op.platform, host, handlers)
        except Unsupported as error:
            raise op.locate(error) from None
