"""One object, every verb: the composition root. Parts are made when a verb first needs them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from capas.settings import Settings, load_settings

if TYPE_CHECKING:
    from capas.build.cache import BuildCache
    from capas.engine.builder import Builder
    from capas.engine.containers import Containers
    from capas.engine.images import Images
    from capas.engine.logins import Logins
    from capas.engine.look import Look
    from capas.engine.networks import Networks
    from capas.engine.system import System
    from capas.layer.files import LayerFiles
    from capas.registry.client import Client
    from capas.registry.credentials import Find
    from capas.run.runtime import Runtime
    from capas.snapshot.contract import Snapshotter
    from capas.store.contract import BlobStore, Ingest
    from capas.store.records import Records, SparedRecord
    from capas.store.store import Store


class Engine:
    """Capas on this machine, for this user.

    `images`, `look`, `builder`, `containers`, `networks`, `logins` and `system` have one method a verb, named as the
    command line names them. An engine may be shared by threads; many engines and processes may work on one store.
    """

    def __init__(
        self, settings: Settings | None = None, *, find_login: Find | None = None, beside: Engine | None = None
    ) -> None:
        """`find_login` says who it is to registries; `beside` another engine, whose open connections it shares."""
        self.settings = settings or load_settings()
        self._find_login, self._beside = find_login, beside

    def speaking_as(self, find_login: Find) -> Engine:
        """This engine as somebody else to registries: made in no time, with nothing to be closed."""
        return Engine(self.settings, find_login=find_login, beside=self)

    @cached_property
    def store(self) -> Store:
        """Blobs and records beneath `settings.root`."""
        from capas.store.store import Store

        records = self._beside.store.records if self._beside else None
        return Store(self.settings.root, self._with_spared, records=records)

    @cached_property
    def build_cache(self) -> BuildCache:
        """What steps of builds gave."""
        if self._beside is not None:
            return self._beside.build_cache
        from capas.build.cache import BuildCache
        from capas.clock import now_ns

        return BuildCache(self.settings.root / "build.db", now_ns)

    def _with_spared(self, kept: BlobStore, records: Records) -> BlobStore:
        """The blobs with those that are not kept before them (`store.keep`)."""
        from capas.image.sparing import SparingBlobs
        from capas.layer.files import layer_files

        def fetch(spared: SparedRecord, ingest: Ingest) -> None:
            from capas.engine.fetching import fetch_spared

            fetch_spared(self.client, spared, records.list_sources(spared.digest), ingest)

        return SparingBlobs(kept, records, layer_files(self.settings.root), fetch)

    @cached_property
    def client(self) -> Client:
        """Conversations with registries, with docker's credentials."""
        from capas.registry.client import Client

        transport = self._beside.client.transport if self._beside else None
        return Client(self.settings, find=self._find_login, transport=transport)

    @cached_property
    def snapshotter(self) -> Snapshotter:
        """The snapshot driver that this machine allows. Raises: Unsupported for a driver asked for and not possible."""
        from capas.snapshot.choose import open_driver

        return open_driver(self.settings.root, self.driver_name)

    @property
    def driver_name(self) -> str:
        """The name of the snapshot driver, which need not be opened for it."""
        return self._driver[0]

    @property
    def snapshotter_reason(self) -> str:
        """Why it is this driver, in words."""
        return self._driver[1]

    @cached_property
    def layer_files(self) -> LayerFiles | None:
        """Where layers are kept as one file each, None where this machine or user cannot mount them."""
        from capas.layer.files import layer_files
        from capas.snapshot.namespaces import identity

        # an ordinary user's builds of COPY alone must not enter a namespace only to be told no
        return layer_files(self.settings.root) if identity() == "root" and self.driver_name == "erofs" else None

    @cached_property
    def _driver(self) -> tuple[str, str]:
        from capas.engine.rootless import enter_if_needed
        from capas.snapshot.choose import choose_driver

        enter_if_needed()
        return choose_driver(self.settings.root, wanted=self.settings.snapshotter)

    @cached_property
    def runtime(self) -> Runtime:
        """The OCI runtime. Raises: Unsupported where there is none."""
        from capas.run.runtime import find_runtime

        return find_runtime(self.settings.runtime, self.settings.environ.get("PATH", ""))

    @cached_property
    def images(self) -> Images:
        """The verbs about images."""
        from capas.engine.images import Images

        return Images(self)

    def has_container(self, reference: str) -> bool:
        """Whether a container goes by this name or id: asked before what knows containers is loaded."""
        from capas.run.register import Register

        return bool(Register(self.settings.root / "containers").find(reference))

    @cached_property
    def containers(self) -> Containers:
        """The verbs about containers."""
        from capas.engine.containers import Containers

        return Containers(self)

    @cached_property
    def networks(self) -> Networks:
        """The verbs about networks."""
        from capas.engine.networks import Networks

        return Networks(self)

    @cached_property
    def logins(self) -> Logins:
        """Log in to and out of registries."""
        from capas.engine.logins import Logins

        return Logins(self)

    @cached_property
    def look(self) -> Look:
        """The verbs that look at images, wherever they are."""
        from capas.engine.look import Look

        return Look(self)

    @cached_property
    def builder(self) -> Builder:
        """The verbs about the build cache."""
        from capas.engine.builder import Builder

        return Builder(self)

    @cached_property
    def system(self) -> System:
        """What is here, and what this machine allows."""
        from capas.engine.system import System

        return System(self)
