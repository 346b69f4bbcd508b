"""What the handlers share: the stores, the rights, the options, and the one door from asyncio to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

from capas.hub.distribution.message import Answer, Request
from capas.hub.distribution.route import Route
from capas.hub.distribution.uploads import Uploads
from capas.hub.events import Events, Happened, Kind
from capas.hub.finding.pulls import PullCounter
from capas.hub.keeping.keeping import Keeping
from capas.hub.outside import Outside
from capas.hub.people.access import Action, Authorise, Identity
from capas.hub.people.doors import Doors
from capas.hub.people.rights import Rights
from capas.hub.records.claims import Claims
from capas.hub.records.database import Database
from capas.hub.records.links import Links
from capas.hub.records.manifests import Manifests
from capas.hub.records.moment import Moments
from capas.hub.records.recent import Recent
from capas.hub.seal import Seal
from capas.hub.spans import SECOND_NS
from capas.hub.storage.contract import Storage

if TYPE_CHECKING:
    from capas.hub.copying.caches import Caches

P = ParamSpec("P")
T = TypeVar("T")


class Options(NamedTuple):
    """What the hub's keeper chose. `open`: there are no accounts, and whoever reaches the hub may do everything."""

    open: bool = True
    delete: bool = True
    grace_seconds: int = 3600  # how long a blob that no manifest needs yet is kept for its push to go on
    stale_seconds: int = 7 * 24 * 3600  # how long an upload that nobody goes on with is kept
    audit_days: int = 400  # how long an entry of the audit log is kept; 0: for ever


class Hub(NamedTuple):
    """The parts of a running hub."""

    root: Path
    database: Database
    manifests: Manifests
    links: Links
    claims: Claims
    blobs: Storage
    uploads: Uploads
    moments: Moments
    recent: Recent
    pool: ThreadPoolExecutor
    rights: Rights
    authorise: Authorise  # that of the rights: the one question of every door
    options: Options
    now_ns: Callable[[], int]
    new_token: Callable[[], str]
    events: Events
    pulls: PullCounter
    outside: Outside
    seal: Seal
    doors: Doors
    keeping: Keeping
    caches: Caches | None = None

    async def turn(self) -> object:
        """The moment of the records now, which what is remembered keeps to. Each door asks for it first."""
        moment = await self.moments.now()
        self.recent.turn(moment)
        return moment

    async def hop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work in a thread: the one door from asyncio to the disk."""
        return await hop_to(self.pool)(lambda: work(*args, **kwargs))

    async def ask(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the records one small question. SQLite answers sooner than a thread would begin."""
        if self.database.is_local:
            return work(*args, **kwargs)
        return await self.hop(work, *args, **kwargs)

    def tell(self, event: Happened) -> None:
        """Let whoever listens know of what has happened and is on disk. Never blocks."""
        self.events.tell(event)


class Call(NamedTuple):
    """One request on its way through the hub.

    `name` is the repository to look in: the route's, or an empty name that none has where the client may not know of
    it, so that the answer is the one that a missing repository gets. `moment` is the records' when it came.
    """

    hub: Hub
    request: Request
    route: Route
    identity: Identity
    name: str
    moment: object

    async def may(self, repository: str, action: Action) -> bool:
        """Whether who asks may do this there, by the records of this moment."""
        hub = self.hub
        second = hub.now_ns() // SECOND_NS if self.identity.token else 0  # a token expires without any write
        key = ("may", self.identity, repository, action, second)
        known = hub.recent.get(key, bool)
        if known is None:
            known = await hub.ask(hub.authorise, self.identity, repository, action)
            hub.recent.keep(self.moment, key, known)
        return known

    def tell(self, kind: Kind, reference: str, digest: str) -> None:
        """Let whoever listens know what this request has done to its repository."""
        self.hub.tell(Happened(kind, self.name, reference, digest, self.identity.name, self.hub.now_ns()))


def hop_to(pool: ThreadPoolExecutor) -> Callable[[Callable[[], T]], Awaitable[T]]:
    """The way to do blocking work in a thread of `pool`."""
    return lambda work: asyncio.get_running_loop().run_in_executor(pool, work)


Handler = Callable[[Call], Awaitable[Answer]]
