"""The gateway: a client that is its own frontend, as buildx is, says in these calls what its build is.

Each names its build in the header `buildkit-controlapi-buildid`. Nothing is solved here: the build itself is done once
the frontend has returned, by `Control.Solve`.

Spec: moby/buildkit, frontend/gateway/pb.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grpclib.const import Handler

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.builds import Build, Builds
from capas.buildkit.checking import check
from capas.buildkit.inputs import graph_of, read_inputs
from capas.buildkit.jobs import Jobs
from capas.buildkit.order import Order
from capas.buildkit.rpc import Headers, unary
from capas.buildkit.wishes import read_wishes
from capas.buildkit.worker import our_capabilities
from capas.errors import Invalid
from capas.oci.platform import Platform

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
            _SERVICE + "Evaluate": unary(self.evaluate, wire.Nothing, wire.Nothing),
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
        wishes = read_wishes(request.options)
        self._builds.stand(build, read_inputs(request.inputs))
        build.frontend = request
        return wire.FrontendResponse(result=_result(build.result.token, wishes.get("platforms", ())))

    async def evaluate(self, _: wire.Nothing, headers: Headers) -> wire.Nothing:
        """Nothing is done yet: the build is, once the frontend has returned."""
        await self._find(headers)
        return wire.Nothing()

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


def _result(token: str, platforms: Sequence[Platform]) -> wire.FrontendResult:
    """A reference to what is to be built, one a platform where there are several."""
    if not platforms:
        return wire.FrontendResult(reference=wire.Reference(id=token, definition=graph_of(token)))
    words = map(str, platforms)
    by_platform = {word: wire.Reference(id=f"{token}/{word}", definition=graph_of(token, word)) for word in words}
    return wire.FrontendResult(references=wire.References(by_platform=by_platform))
