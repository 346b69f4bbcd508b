"""The upstreams of a hub: which of them a request means, and what is being fetched from them now."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from capas.errors import Interrupted
from capas.hub.copying.cache import Cache, Kept, Place
from capas.hub.copying.held import Held
from capas.hub.copying.inflow import Inflow, Target
from capas.hub.copying.limits import Patient
from capas.hub.copying.room import make_room
from capas.hub.copying.upstream import Upstream, check_upstreams
from capas.hub.distribution.kept import keep_blob
from capas.hub.distribution.message import Request
from capas.hub.distribution.names import is_repository
from capas.hub.distribution.route import BLOB, MANIFEST, REFERRERS, TAGS, Route
from capas.hub.hub import Hub
from capas.hub.outside import Outside
from capas.hub.people.access import Identity
from capas.hub.records.copies import Copies
from capas.hub.storage.landing import Landing
from capas.oci.digest import Digest
from capas.registry.message import Transport
from capas.registry.transport import HttpTransport
from capas.settings import RegistrySettings, Settings

T = TypeVar("T")

_TALKS, _FETCHES = 8, 16  # conversations at once, and blobs
_HOLDERS = 20
_READ = frozenset({MANIFEST, BLOB, TAGS, REFERRERS})
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 30.0  # somebody waits, and an older answer may be here

Open = Callable[[Settings, Outside], Transport]


class Caches:
    """The caches of one process. Everything is for its event loop but what `Cache` does."""

    def __init__(self, hub: Hub, upstreams: Sequence[Upstream], settings: Settings, open_transport: Open) -> None:
        check_upstreams(upstreams)
        self._hub = hub
        self.copies = Copies(hub.database)
        kept = Kept(hub.manifests, self.copies, lambda name: Held(name, hub.manifests, hub.links, hub.blobs))
        self._landing = Landing(hub.blobs, hub.root)
        self.all: dict[str, Cache] = {}
        for one in upstreams:
            own = _settings_of(one, settings)
            reach = hub.outside.except_for(*one.endpoint)  # where it redirects to is not the keeper's choice
            self.all[one.prefix] = Cache(one, kept, Patient(open_transport(own, reach), hub.now_ns), own, hub.now_ns)
        self.copies.found([one.prefix for one in upstreams], hub.now_ns())
        self._mirrors = [cache for cache in self.all.values() if cache.upstream.mirror]
        self._hosts = {host: cache for cache in self.all.values() for host in cache.upstream.hosts}
        self._talking = ThreadPoolExecutor(_TALKS, thread_name_prefix="upstream")
        self._fetching = ThreadPoolExecutor(_FETCHES, thread_name_prefix="inflow")
        self._closing = threading.Event()
        self._asked: dict[Hashable, asyncio.Future[Any]] = {}
        self._inflows: dict[tuple[str, Digest], Inflow] = {}

    async def find(self, request: Request, route: Route) -> Place | None:
        """The place that a request means, None where it means this hub's own repository.

        A name below a prefix is the upstream's. `?ns=` (containerd) or the name under which the hub was asked say
        which registry is meant. Else this hub's own repository comes first, then the upstreams that are mirrors.
        """
        name = route.name
        cache = self.all.get(name.partition("/")[0])
        if cache is not None and "/" in name:
            return self._place(cache, name.partition("/")[2])
        if route.kind not in _READ:
            return None
        meant = self.all.get(request.param("ns") or "") or self._hosts.get(_host(request))
        if meant is not None:
            return self._place(meant, name)
        if not self._mirrors or await self._hub.ask(self._hub.manifests.has_repository, name):
            return None
        found = (self._place(mirror, name) for mirror in self._mirrors)
        return next((place for place in found if place.path), None)

    def _place(self, cache: Cache, rest: str) -> Place:
        path = cache.upstream.path_of(rest) or ""
        if cache.upstream.prefix == "docker.io" and "/" not in rest:
            rest = "library/" + rest
        name = f"{cache.upstream.prefix}/{rest}"
        return Place(cache, name, path if is_repository(name) else "")

    async def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` gives, in a thread: asked once, however many wait for it, and to its end though they leave."""
        future = self._asked.get(key)
        if future is None:
            future = asyncio.get_running_loop().run_in_executor(self._talking, work)
            self._asked[key] = future
            future.add_done_callback(lambda done: (self._asked.pop(key), done.exception()))
        result: T = await asyncio.shield(future)
        return result

    def bring(self, place: Place, digest: Digest) -> Inflow:
        """The blob on its way into the repository; the one that is under way, or a new one."""
        key = (place.name, digest)
        inflow = self._inflows.get(key)
        if inflow is None:
            inflow = self._inflows[key] = Inflow(place, digest, self._target(place, digest))
            inflow.when_over = lambda: self._inflows.pop(key)
            asyncio.get_running_loop().run_in_executor(self._fetching, inflow.run)
        return inflow

    def close(self) -> None:
        """Let go of the upstreams. What is being fetched stops, and is gone on with by whoever wants it next."""
        self._closing.set()
        self._talking.shutdown(wait=True, cancel_futures=True)
        self._fetching.shutdown(wait=True, cancel_futures=True)
        for cache in self.all.values():
            cache.patient.close()

    def _target(self, place: Place, digest: Digest) -> Target:
        hub, upstream = self._hub, place.cache.upstream

        def keep(commit: Callable[[], None], size: int) -> None:
            self.copies.prepare(place.name, is_public=upstream.is_public, now_ns=hub.now_ns())
            keep_blob(hub, (place.name, digest), size, hub.new_token(), lambda: self._landing.keep(digest, commit))
            place.cache.read_again(place, digest)
            make_room(hub, self.copies, upstream)

        def is_shared() -> bool:
            holders = hub.links.list_holders(digest, _HOLDERS)
            return any(
                one.startswith(upstream.prefix + "/") or hub.authorise(Identity(), one, "pull") for one in holders
            )

        return Target(self._landing.blobs, lambda: hub.blobs.stat(digest), keep, is_shared, self._check)

    def _check(self) -> None:
        if self._closing.is_set():
            raise Interrupted("the hub is ending")


def open_caches(
    hub: Hub, upstreams: Sequence[Upstream], settings: Settings, *, open_transport: Open | None = None
) -> Caches:
    """The caches that the configuration names. Raises: Invalid."""
    return Caches(hub, upstreams, settings, open_transport or _open)


def _open(settings: Settings, outside: Outside) -> Transport:
    return HttpTransport(
        settings, connect_seconds=_CONNECT_SECONDS, read_seconds=_READ_SECONDS, manager=outside.manager
    )


def _settings_of(upstream: Upstream, settings: Settings) -> Settings:
    """Settings in which the upstream's address alone counts: no mirrors of it, its own authority."""
    bundle = Path(upstream.ca_bundle) if upstream.ca_bundle else settings.registry(upstream.host).ca_bundle
    return settings._replace(registries={upstream.host: RegistrySettings(ca_bundle=bundle)})


def _host(request: Request) -> str:
    return request.header(b"host").rpartition(":")[0] or request.header(b"host")
