"""Jobs: what a call asks for, done in a thread until it is ready, its client has gone, or wants it no more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from grpclib.exceptions import GRPCError

from capas.buildkit.caller import Caller
from capas.buildkit.job import Job
from capas.buildkit.order import Order
from capas.buildkit.sessions import Sessions
from capas.buildkit.telling import Telling
from capas.buildkit.wishes import holders_of
from capas.engine.engine import Engine
from capas.errors import Interrupted
from capas.parallel import Nursery

T = TypeVar("T")
_PARALLEL = 4


class Jobs:
    """Where jobs are done. Its methods belong to the event loop."""

    def __init__(self, engine: Engine, pool: ThreadPoolExecutor, sessions: Sessions) -> None:
        self.engine = engine
        self.sessions = sessions
        self._pool = pool

    async def hop(self, work: Callable[[], T]) -> T:
        """Do work that asks no client."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def do(self, work: Callable[[Job, Engine], T], order: Order, telling: Telling) -> T:
        """Do what was ordered. Raises: NotFound for a session that does not come; what the work raises."""
        loop = asyncio.get_running_loop()
        session = await self.sessions.get(order.session)
        holders = {name: Caller(await self.sessions.get(id), loop) for name, id in holders_of(order.attributes).items()}
        job = Job(order, Caller(session, loop), holders, telling, Nursery(_PARALLEL))
        working = loop.run_in_executor(self._pool, work, job, self.engine)
        ending = asyncio.ensure_future(session.ended.wait())
        either: set[asyncio.Future[Any]] = {working, ending}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                job.nursery.cancel(Interrupted("the client has gone"))
            return await working
        except asyncio.CancelledError:
            job.nursery.cancel(Interrupted("the client cancelled the build"))
            with contextlib.suppress(GRPCError):
                await asyncio.shield(working)
            raise
        finally:
            ending.cancel()
