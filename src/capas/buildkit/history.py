"""The last builds of this server, as `buildx history` asks for them. They are in memory: a new server knows of none.

Spec: moby/buildkit, api/services/control: ListenBuildHistory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from capas.build.urls import without_credentials
from capas.buildkit import messages_pb2 as wire
from capas.buildkit.builds import Build, Builds
from capas.errors import Unsupported

_FRONTEND = "dockerfile.v0"


def check_request(request: wire.HistoryRequest) -> None:
    """Raises: Unsupported for what Capas does not do."""
    if request.filter:
        raise Unsupported("Capas does not filter the history of builds", hint="leave --filter out")
    if not request.early_exit:
        raise Unsupported("Capas tells which builds there were, and does not go on telling", hint="ask again")


def list_events(request: wire.HistoryRequest, builds: Builds) -> Iterator[wire.HistoryEvent]:
    """What was asked for, the newest first."""
    found = [
        build for build in builds.list() if request.ref in ("", build.ref) and not (request.active_only and build.over)
    ]
    for build in found[: request.limit or None]:
        kind = wire.HistoryEvent.COMPLETE if build.over else wire.HistoryEvent.STARTED
        yield wire.HistoryEvent(type=kind, record=_record(build))


def _record(build: Build) -> wire.HistoryRecord:
    assert build.order is not None
    steps = build.telling.steps()
    record = wire.HistoryRecord(
        ref=build.ref, frontend=_FRONTEND, frontend_attrs=_without_logins(build.order.attributes),
        exporters=[wire.Exporter(type=kind, attrs=_without_logins(given)) for kind, given in build.order.exporters],
        error=build.failure, exporter_response=build.answer, total_steps=len(steps),
        cached_steps=sum(one.cached for one in steps), completed_steps=sum(one.HasField("completed") for one in steps),
    )  # fmt: skip
    record.created.FromNanoseconds(build.created_ns)
    if build.over:
        record.completed.FromNanoseconds(build.completed_ns)
    return record


def _without_logins(attributes: Mapping[str, str]) -> dict[str, str]:
    """Addresses without who may read them; where caches are may hold keys, and is left out."""
    return {name: without_credentials(value) for name, value in attributes.items() if name != "cache-imports"}
