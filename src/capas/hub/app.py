"""The hub as an ASGI application: `create_app(root)`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from capas import chance, clock
from capas.errors import CapasError, Unauthenticated
from capas.hub.config import Config
from capas.hub.distribution import blobs, listings, manifests, pushes
from capas.hub.distribution.entry import action_of, admit, demand, needs_login
from capas.hub.distribution.message import (
    Answer,
    Disconnected,
    Header,
    Receive,
    Request,
    Scope,
    Send,
    header,
    send_answer,
)
from capas.hub.distribution.refusal import DENIED, UNSUPPORTED, Code, Refused, refusal_of, unexpected
from capas.hub.distribution.route import (
    BLOB,
    CATALOG,
    MANIFEST,
    PING,
    REFERRERS,
    TAGS,
    UPLOAD,
    UPLOADS,
    find_route,
    is_distribution,
)
from capas.hub.distribution.uploads import Uploads
from capas.hub.events import Events
from capas.hub.finding.pulls import PullCounter
from capas.hub.hub import Call, Handler, Hub, Options, hop_to
from capas.hub.keeping.keeping import Keeping, outbox
from capas.hub.keeping.schedule import Schedule
from capas.hub.outside import Outside
from capas.hub.people.access import Action, Authorise
from capas.hub.people.doors import open_doors
from capas.hub.people.origin import Origins
from capas.hub.people.rights import OpenRights, Rights
from capas.hub.people.who import identify
from capas.hub.records.claims import Claims
from capas.hub.records.database import Database
from capas.hub.records.links import Links
from capas.hub.records.manifests import Manifests
from capas.hub.records.moment import open_moments
from capas.hub.records.place import database_url
from capas.hub.records.recent import Recent
from capas.hub.seal import Seal
from capas.hub.storage.place import open_storage
from capas.hub.watch.board import Board
from capas.hub.watch.health import Health
from capas.hub.watch.observer import ACTOR, ROUTE, Observer
from capas.settings import load_settings
from capas.store.disk import make_dirs

if TYPE_CHECKING:
    from capas.hub.copying.cache import Place
    from capas.hub.copying.caches import Caches
    from capas.hub.copying.replication.worker import Worker

_THREADS = 16
_JSON = header("content-type", "application/json")
Site = Callable[[Scope, Receive, Send], Awaitable[None]]
_NO_ROUTE = Code("UNSUPPORTED", 404)


async def ping(_call: Call) -> Answer:
    """This is a registry, and the client may speak to it."""
    return Answer(200, [header("content-length", 2), _JSON], b"{}")


_HANDLERS: Mapping[str, Mapping[str, Handler]] = {
    PING: {"GET": ping, "HEAD": ping},
    CATALOG: {"GET": listings.list_repositories},
    MANIFEST: {
        "GET": manifests.get_manifest,
        "HEAD": manifests.get_manifest,
        "PUT": manifests.put_manifest,
        "DELETE": manifests.delete_manifest,
    },
    BLOB: {"GET": blobs.get_blob, "HEAD": blobs.head_blob, "DELETE": blobs.delete_blob},
    UPLOADS: {"POST": pushes.start_upload},
    UPLOAD: {
        "GET": pushes.get_upload,
        "PATCH": pushes.write_chunk,
        "PUT": pushes.finish_upload,
        "DELETE": pushes.cancel_upload,
    },
    TAGS: {"GET": listings.list_tags},
    REFERRERS: {"GET": listings.list_referrers},
}


class App:
    """The distribution API over a hub's parts; what is not under /v2 is the site's."""

    def __init__(self, hub: Hub, observer: Observer, health: Health) -> None:
        self.hub = hub
        self.observer = observer
        self.at_start: list[Callable[[], None]] = []  # once it serves
        self.at_end: list[Callable[[], None]] = []  # before all else is let go of
        self._health = health
        self._site: asyncio.Future[Site] | None = None
        self._worker: asyncio.Future[Worker] | None = None
        self._log = logging.getLogger("capas.hub")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, by ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            passage = self.observer.begin(scope, send)
            try:
                await self._pass(scope, receive, passage)
            finally:
                self.observer.end(scope, passage)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_distribution(scope["path"]):
            await self._answer(Request(scope, receive), send)
        elif health := self._health.find(scope["path"]):
            await send_answer(send, await health(Request(scope, receive)))
        else:
            site = await self._find_site()
            await site(scope, receive, send)

    async def _find_site(self) -> Site:
        """Pages and JSON API: made at the first request for them, in a thread, once."""
        if self._site is None:
            self._site = asyncio.ensure_future(self.hub.hop(_make_site, self.hub))
        return await asyncio.shield(self._site)

    async def _answer(self, request: Request, send: Send) -> None:
        try:
            try:
                answer = await self._handle(request)
            except Refused as refused:
                answer = await self._refuse(request, refused)
            except CapasError as error:
                self._log.warning("%s %s: %s", request.method, request.path, error)
                answer = await self._refuse(request, refusal_of(error))
            except (Disconnected, asyncio.CancelledError):
                raise
            except Exception:
                self._log.exception("%s %s", request.method, request.path)
                answer = await self._refuse(request, unexpected())
        except Disconnected:
            return
        await send_answer(send, answer)

    async def _handle(self, request: Request) -> Answer:
        path = request.path
        route = find_route(path)
        if route is None:
            raise Refused(_NO_ROUTE, "there is nothing at this address")
        request.scope[ROUTE] = route.kind
        caches = self.hub.caches
        place = await caches.find(request, route) if caches and route.name else None
        if place is not None:
            route = route._replace(name=place.name)
        methods = _HANDLERS[route.kind]
        handler = methods.get(request.method)
        if handler is None:
            allow = (header("allow", ", ".join(methods)),)
            raise Refused(UNSUPPORTED, f"{request.method} is not supported here", headers=allow)
        moment = await self.hub.turn()
        try:
            identity = await identify(self.hub, request, moment)
        except Unauthenticated as error:
            raise demand(self.hub, request, route, str(error), error="invalid_token") from error
        request.scope[ACTOR] = identity.name
        call = Call(self.hub, request, route, identity, route.name, moment)
        if route.name:
            call = call._replace(name=await self._visible(call, action_of(request.method, route), place))
        else:
            call = call._replace(identity=admit(call))
        if place is None or request.method == "DELETE":
            return await handler(call)
        from capas.hub.copying.answers import answer_copy

        return await answer_copy(call, place)

    async def _visible(self, call: Call, action: Action, place: Place | None) -> str:
        """The repository's name if the client may do this there, an empty one if it may not know of it."""
        name = call.route.name
        if place is not None and place.cache.upstream.is_public and action == "pull":
            return name
        if await call.may(name, action):
            return name
        if needs_login(call, action):
            raise demand(self.hub, call.request, call.route)
        if action == "push" or await call.may(name, "pull"):
            raise Refused(DENIED, "requested access to the resource is denied", detail={"name": name})
        return ""

    async def _refuse(self, request: Request, refused: Refused) -> Answer:
        if request.method in ("POST", "PUT", "PATCH"):
            await request.drain()
        body = refused.body
        headers: list[Header] = [header("content-length", len(body)), _JSON, *refused.headers]
        return Answer(refused.code.status, headers, b"" if request.method == "HEAD" else body)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                if self._worker is not None:
                    worker = await self._worker
                    await asyncio.to_thread(worker.close)
                await asyncio.to_thread(self.close)
                await send({"type": "lifespan.shutdown.complete"})
                return
            for start in self.at_start:
                start()
            self._worker = asyncio.ensure_future(self.hub.hop(_start_worker, self.hub))
            await send({"type": "lifespan.startup.complete"})

    def close(self) -> None:
        """Let the disk work under way end, write what is counted, and let go of the files."""
        for end in self.at_end:
            end()
        if self.hub.caches is not None:
            self.hub.caches.close()
        self.hub.pool.shutdown(wait=True)
        self.hub.events.close()
        self.hub.keeping.close()
        self.hub.pulls.close()
        self.hub.uploads.close_idle(everything=True)
        self.hub.moments.close()
        self.hub.database.close()
        self.observer.board.close()


def create_app(
    root: Path,
    *,
    options: Options = Options(),  # noqa: B008  a tuple of constants
    config: Config = Config(),  # noqa: B008  frozen
    authorise: Authorise | None = None,
    shared: bool = False,
    boards: Path | None = None,
    now_ns: Callable[[], int] = clock.now_ns,
    new_token: Callable[[], str] = chance.token,
) -> App:
    """The hub whose bytes and records live under `root`, or where `config` says.

    `shared`: other processes serve the same hub. `boards`: where those of this machine keep their counters.
    Raises: Exhausted, Denied, Unavailable for a disk that cannot be used; Corrupt for damaged records.
    """
    make_dirs(root)
    store = open_storage(config.storage, root)
    database = Database(database_url(config.database, root))
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="hub")
    rights = (OpenRights if options.open else Rights)(database, now_ns)
    events, counter = Events(), PullCounter(database)
    events.listen(counter.listen)
    outside, seal = Outside(config.outside), Seal(root / "secrets.key", config.secrets)
    keeping = Keeping(database, seal, outside, (now_ns, new_token))
    events.listen(keeping.deliverer.hear)
    origins = Origins(config.server.public_url, config.server.proxies)
    doors = open_doors(database, seal, config.login, origins, providers=config.oidc, now_ns=now_ns, new_token=new_token)
    hub = Hub(
        root=root,
        database=database,
        manifests=Manifests(database, outbox(new_token)),
        links=Links(database),
        claims=Claims(database),
        blobs=store,
        uploads=Uploads(store, shared=shared),
        moments=open_moments(database, hop_to(pool)),
        recent=Recent(),
        pool=pool,
        rights=rights,
        authorise=authorise or rights.authorise,
        options=options,
        now_ns=now_ns,
        new_token=new_token,
        events=events,
        pulls=counter,
        outside=outside,
        seal=seal,
        keeping=keeping,
        doors=doors,
    )
    hub = hub._replace(caches=_open_caches(hub, config))
    board = Board(boards)
    app = App(hub, Observer(board, new_token), Health(hub, board, config.watch))
    schedule = Schedule(hub, config.retention)
    app.at_start += [hub.keeping.start, schedule.start]
    app.at_end.append(schedule.close)
    return app


def _open_caches(hub: Hub, config: Config) -> Caches | None:
    if not config.upstreams:
        return None
    from capas.hub.copying.caches import open_caches

    return open_caches(hub, config.upstreams, load_settings())


def _start_worker(hub: Hub) -> Worker:
    from capas.hub.copying.replication.worker import start_worker

    return start_worker(hub)


def _make_site(hub: Hub) -> Site:
    from capas.hub.site import create_site

    return create_site(hub)
