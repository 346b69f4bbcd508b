"""The base images of one build: found here, or their manifest fetched and their layers when a step reads them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from capas.build.places import RepositoryPlace
from capas.events import Report
from capas.image.image import Image
from capas.image.record import record_image
from capas.oci.digest import Digest
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.resolve import resolve
from capas.registry.telling import tell_platform, tell_source
from capas.store.put import put

if TYPE_CHECKING:
    from capas.build.lazy import LazyBlobs
    from capas.engine.engine import Engine


class _Resolved(NamedTuple):
    image: Image
    reference: Reference
    digest: Digest


class Bases:
    """Resolves images for one build. Safe from many threads."""

    def __init__(self, engine: Engine, report: Report) -> None:
        self._engine = engine
        self._report = report
        self._lock = threading.Lock()
        self._resolved: list[_Resolved] = []

    def resolve(self, reference: Reference, platform: Platform, pull: bool, *, blobs: LazyBlobs | None = None) -> Image:
        """The image of a name, for a platform. Raises: NotFound; Unavailable; Denied; Unauthenticated; Corrupt."""
        reference = reference.with_default_tag()
        if blobs is None:
            return self._engine.images.find_or_pull(
                str(reference), platform=platform, pull="always" if pull else "missing", unpack=False,
                report=self._report,
            )  # fmt: skip
        found = None if pull else self._engine.images.find(str(reference), platform)
        return found or self._open(reference, platform, blobs)

    def settle(self) -> None:
        """Keep the images that came as a whole under their names, so that the next build finds them without asking."""
        store = self._engine.store
        with self._lock, store.lease() as lease:
            for image, reference, digest in self._resolved:
                parts = (image.digest, image.manifest.config.digest, *(one.digest for one in image.manifest.layers))
                if all(map(lease.blobs.contains, parts)):
                    for part in (image.manifest.config, *image.manifest.layers):
                        store.records.add_source(part.digest, reference.domain, reference.path)
                    named = reference._replace(tag=None) if reference.digest else reference
                    record_image(
                        store, Image.open(store.blobs, image.digest, image.media_type), reference=named,
                        repo_digest=digest,
                    )  # fmt: skip

    def _open(self, reference: Reference, platform: Platform, blobs: LazyBlobs) -> Image:
        engine = self._engine
        tell_source(reference, self._report)
        found = resolve(engine.client.repository(reference), reference, platform, blobs)
        place = RepositoryPlace(engine.client, reference, engine.store, check=lambda: None, report=self._report)
        image = Image(blobs, found.data, found.media_type)
        config = image.manifest.config
        if blobs.stat(config.digest) != config.size:
            put(blobs, place.read(config))
        put(blobs, found.data)
        place.expect(image.layers, blobs)
        tell_platform(image.platform, platform, self._report)
        with self._lock:
            self._resolved.append(_Resolved(image, reference, found.digest))
        return image
