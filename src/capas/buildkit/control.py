"""The control API: what a client asks of a builder.

Spec: moby/buildkit, api/services/control.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeVar

from grpclib.const import Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.builds import Builds
from capas.buildkit.faults import call_fault
from capas.buildkit.history import check_request, list_events
from capas.buildkit.inputs import read_inputs
from capas.buildkit.jobs import Jobs
from capas.buildkit.order import Order
from capas.buildkit.rpc import Headers, both_ways, streamed, unary
from capas.buildkit.sessions import Offer, Session
from capas.buildkit.solving import solve
from capas.buildkit.telling import CANCELLED
from capas.buildkit.tunnel import Tunnel
from capas.buildkit.worker import our_version, our_worker
from capas.engine.builder import BuildEntry
from capas.errors import CapasError, Unsupported

T = TypeVar("T")
_SERVICE = "/moby.buildkit.v1.Control/"
_PARALLEL = 4


class Control:
    """The service, over an engine."""

    def __init__(self, jobs: Jobs, builds: Builds) -> None:
        self._jobs = jobs
        self._builds = builds

    def __mapping__(self) -> Mapping[str, Handler]:
        """The methods by address."""
        return {
            _SERVICE + "Solve": unary(self.solve, wire.SolveRequest, wire.SolveResponse),
            _SERVICE + "Status": streamed(self.status, wire.StatusRequest, wire.StatusResponse),
            _SERVICE + "Session": both_ways(self.session, wire.BytesMessage),
            _SERVICE + "ListWorkers": unary(self.list_workers, wire.Nothing, wire.ListWorkersResponse),
            _SERVICE + "Info": unary(self.info, wire.Nothing, wire.InfoResponse),
            _SERVICE + "DiskUsage": unary(self.disk_usage, wire.DiskUsageRequest, wire.DiskUsageResponse),
            _SERVICE + "Prune": streamed(self.prune, wire.PruneRequest, wire.UsageRecord),
            _SERVICE + "ListenBuildHistory": streamed(self.history, wire.HistoryRequest, wire.HistoryEvent),
            _SERVICE + "UpdateBuildHistory": unary(self.update_history, wire.HistoryUpdate, wire.Nothing),
        }

    async def solve(self, request: wire.SolveRequest, _: Headers) -> wire.SolveResponse:
        """Build, once the client's own side (its frontend, which buildx is) has said what."""
        build = await self._builds.begin(request.ref, request.session)
        try:
            if not request.frontend and not request.HasField("definition"):
                await build.returned.wait()
            if build.problem is not None:
                raise GRPCError(_status(build.problem.code), build.problem.message)
            order = Order.read(request, build.frontend)
            if not order.builds:
                return wire.SolveResponse()
            build.order = order
            if build.frontend is None:
                self._builds.stand(build, read_inputs(request.frontend_inputs))
            given = {name: one if isinstance(one, str) else await one.get() for name, one in build.inputs.items()}
            order = order._replace(inputs=given, result=build.result)
            build.answer = await self._jobs.do(solve, order, build.telling)
            build.result.end(well=True)
            return wire.SolveResponse(exporter_response=build.answer)
        except GRPCError as error:
            build.fail(error)
            raise
        except CapasError as error:
            build.fail(call_fault(error))
            raise
        except asyncio.CancelledError:
            build.fail(GRPCError(Status.CANCELLED, CANCELLED))
            raise
        finally:
            self._builds.end(build)

    async def status(
        self, request: wire.StatusRequest, stream: Stream[wire.StatusRequest, wire.StatusResponse]
    ) -> None:
        """The story of a build, to its end."""
        build = await self._builds.get(request.ref)
        for earlier in build.telling.told() if build.over else ():
            await stream.send_message(earlier)
        while (news := await build.telling.read()) is not None:
            await stream.send_message(news)

    async def session(self, stream: Stream[wire.BytesMessage, wire.BytesMessage]) -> None:
        """A connection back to the client, inside of this call."""
        pairs = (stream.metadata or {}).items()
        session = Session(Offer.read((key, str(value)) for key, value in pairs))
        protocol = session.connect()
        tunnel = Tunnel(protocol)
        protocol.connection_made(tunnel)
        await self._jobs.sessions.add(session)
        await stream.send_initial_metadata()

        async def out() -> None:
            while data := await tunnel.read():
                await stream.send_message(wire.BytesMessage(data=data))

        sending = asyncio.ensure_future(out())
        try:
            async for message in stream:
                protocol.data_received(message.data)
        finally:
            self._jobs.sessions.remove(session)
            sending.cancel()

    async def list_workers(self, _: wire.Nothing, __: Headers) -> wire.ListWorkersResponse:
        """One: this machine."""
        return wire.ListWorkersResponse(record=[our_worker()])

    async def info(self, _: wire.Nothing, __: Headers) -> wire.InfoResponse:
        """Which builder this is."""
        return wire.InfoResponse(buildkit_version=our_version())

    async def disk_usage(self, request: wire.DiskUsageRequest, _: Headers) -> wire.DiskUsageResponse:
        """What the build cache holds."""
        entries = await self._jobs.hop(
            lambda: self._jobs.engine.builder.list(filters=list(filter(None, request.filter)))
        )
        return wire.DiskUsageResponse(record=map(_record, entries))

    async def prune(self, request: wire.PruneRequest, stream: Stream[wire.PruneRequest, wire.UsageRecord]) -> None:
        """Remove from the build cache, telling each thing that goes."""
        filters = list(filter(None, request.filter))
        if request.keep_duration:
            filters.append(f"until={request.keep_duration // 1_000_000}ms")

        def work() -> list[BuildEntry]:
            builder = self._jobs.engine.builder
            chosen = builder.plan_prune(
                every=request.all, filters=filters, max_used_bytes=request.max_used_space or None,
                reserved_bytes=request.reserved_space or None,
            )  # fmt: skip
            builder.prune(chosen)
            return list(chosen)

        for entry in await self._jobs.hop(work):
            await stream.send_message(_record(entry))

    async def history(
        self, request: wire.HistoryRequest, stream: Stream[wire.HistoryRequest, wire.HistoryEvent]
    ) -> None:
        """The last builds, the newest first. Raises: Unsupported for filters, and for who wants to hear of new ones."""
        check_request(request)
        for event in list_events(request, self._builds):
            await stream.send_message(event)

    async def update_history(self, request: wire.HistoryUpdate, _: Headers) -> wire.Nothing:
        """Forget a build that is over. Raises: NotFound; Unsupported for keeping one for ever."""
        if request.pinned:
            raise Unsupported("Capas keeps the last builds in mind, and none of them for ever")
        if request.delete:
            self._builds.forget(request.ref)
        return wire.Nothing()


def _record(entry: BuildEntry) -> wire.UsageRecord:
    record = wire.UsageRecord(
        id=entry.id, in_use=entry.in_use, size=entry.size, usage_count=entry.uses, description=entry.title,
        record_type=entry.type, shared=entry.shared, mutable=entry.type == "exec.cachemount",
    )  # fmt: skip
    record.created_at.FromNanoseconds(entry.created_ns)
    record.last_used_at.FromNanoseconds(entry.last_used_ns)
    return record


def _status(code: int) -> Status:
    try:
        return Status(code)
    except ValueError:
        return Status.UNKNOWN
