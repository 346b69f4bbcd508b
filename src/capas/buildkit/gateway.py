"""The gateway: a client that is its own frontend, as buildx is, says in these calls what its build is.

Each names its build in the header `buildkit-controlapi-buildid`. Nothing is solved here: the build itself is done once
the frontend has returned, by `Control.Solve`.

Spec: moby/buildkit, frontend/gateway/pb.
"""

from __future__ import annotations

from collections.abc import Mapping

from grpclib.const import Handler

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.builds import Build, Builds
from capas.buildkit.checking import check
from capas.buildkit.jobs import Jobs
from capas.buildkit.order import Order
from capas.buildkit.rpc import Headers, unary
from capas.buildkit.wishes import read_wishes
from capas.buildkit.worker import our_capabilities
from capas.errors import Invalid

_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
_CHECK = "frontend.lint"
_BUILD = "buildkit-controlapi-buildid"


class Gateway:
    """The service."""

    def __init__(self, jobs: Jobs, builds: Builds) -> None:
        self._jobs = jobs
        self._builds = builds

    def __mapping__(self) -> Mapping[str, Handler]:
        """The methods by address."""
        return {
            _SERVICE + "Ping": unary(self.ping, wire.Nothing, wire.PongResponse),
            _SERVICE + "Solve": unary(self.solve, wire.FrontendRequest, wire.FrontendResponse),
            _SERVICE + "Return": unary(self.give_back, wire.ReturnRequest, wire.Nothing),
        }

    async def ping(self, _: wire.Nothing, headers: Headers) -> wire.PongResponse:
        """What we can do."""
        await self._find(headers)
        return our_capabilities()

    async def solve(self, request: wire.FrontendRequest, headers: Headers) -> wire.FrontendResponse:
        """Note what is to be built; or check it, where nothing is. Raises: Invalid; Unsupported, for what cannot be."""
        build = await self._find(headers)
        if request.options.get("requestid") == _CHECK:
            attributes = {name: value for name, value in request.options.items() if name != "requestid"}
            order = Order(build.session, attributes=attributes)
            return wire.FrontendResponse(
                result=wire.FrontendResult(metadata=await self._jobs.do(check, order, build.telling))
            )
        read_wishes(request.options)
        build.frontend = request
        return wire.FrontendResponse(result=wire.FrontendResult(reference=wire.Reference(id="capas")))

    async def give_back(self, request: wire.ReturnRequest, headers: Headers) -> wire.Nothing:
        """The frontend has said all, or failed."""
        build = await self._find(headers)
        if request.HasField("error"):
            build.problem = request.error
        build.returned.set()
        return wire.Nothing()

    async def _find(self, headers: Headers) -> Build:
        ref = headers.get(_BUILD, "")
        if not ref:
            raise Invalid("the call does not say which build it belongs to")
        return await self._builds.get(ref)
