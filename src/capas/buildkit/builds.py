"""The builds of a server, by the references of their clients: what several calls say of one belongs together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import takewhile

from grpclib.exceptions import GRPCError

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.inputs import token_of
from capas.buildkit.order import Order
from capas.buildkit.results import Result
from capas.buildkit.telling import Telling
from capas.chance import token
from capas.clock import now_ns
from capas.errors import Conflict, NotFound

_PATIENCE_SECONDS = 15.0
_REMEMBERED = 64  # builds that are over, for clients whose next call comes late


class Build:
    """One build: what its client's frontend said, and the story that it is told."""

    def __init__(self, ref: str, session: str, loop: asyncio.AbstractEventLoop) -> None:
        self.ref = ref
        self.session = session
        self.telling = Telling(loop, now_ns)
        self.frontend: wire.FrontendRequest | None = None
        self.returned = asyncio.Event()
        self.problem: wire.Status | None = None  # why the client's side gave up
        self.over = False
        self.order: Order | None = None  # once it is known
        self.answer: Mapping[str, str] = {}
        self.failure: wire.Status | None = None
        self.created_ns, self.completed_ns = now_ns(), 0
        self.result = Result(token())
        self.inputs: dict[str, str | Result] = {}  # what it stands on: results of builds, and names of images

    def fail(self, fault: GRPCError) -> None:
        """It came to nothing, for this reason."""
        self.failure = wire.Status(code=fault.status.value, message=fault.message or "")


class Builds:
    """All of them. Its methods belong to the event loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Build] = OrderedDict()
        self._news = asyncio.Condition()

    async def begin(self, ref: str, session: str) -> Build:
        """A new one. Raises: Conflict for a reference that is taken."""
        if ref in self._known:
            raise Conflict("there is a build {ref} already", ref=ref[:100])
        async with self._news:
            found = self._known[ref] = Build(ref, session, asyncio.get_running_loop())
            self._news.notify_all()
        return found

    async def get(self, ref: str) -> Build:
        """A build, which may begin a moment after the call that names it. Raises: NotFound."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._news:
                await self._news.wait_for(lambda: ref in self._known)
                return self._known[ref]
        except TimeoutError:
            raise NotFound("there is no build {ref}", ref=ref[:100]) from None

    def end(self, build: Build) -> None:
        """It is over."""
        build.over, build.completed_ns = True, now_ns()
        build.telling.end()
        over = [ref for ref, one in self._known.items() if one.over]
        for ref in over[:-_REMEMBERED]:
            del self._known[ref]
        build.result.end(well=False)
        self._release(build)

    def list(self) -> Sequence[Build]:
        """Those that built something, the newest first."""
        return [build for build in reversed(self._known.values()) if build.order is not None]

    def forget(self, ref: str) -> None:
        """Of a build that is over nothing is known from now on. Raises: NotFound."""
        if ref not in self._known or not self._known[ref].over:
            raise NotFound("there is no build {ref}", ref=ref[:100])
        del self._known[ref]

    def stand(self, build: Build, sources: Mapping[str, str]) -> None:
        """It stands on these sources, by the names of its inputs: on results of builds that began before it only, so
        that none waits for itself. Raises: NotFound; Conflict for one that is over.
        """
        if build.over:
            raise Conflict("the build is over")
        self._release(build)
        earlier = takewhile(lambda one: one is not build, self._known.values())
        results = {one.result.token: one.result for one in earlier}
        for name, source in sources.items():
            word = token_of(source)
            if word and word not in results:
                raise NotFound("no build gave what the input {name} names", name=name[:100])
            build.inputs[name] = results[word] if word else source
            if word:
                results[word].want(build)

    def _release(self, build: Build) -> None:
        for one in build.inputs.values():
            if isinstance(one, Result):
                one.release(build)
        build.inputs = {}
