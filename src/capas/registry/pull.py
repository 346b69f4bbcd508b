"""Pulling: an image from its registry into the store, its layers at once, each in one pass."""

from __future__ import annotations

from typing import NamedTuple

from capas.errors import Corrupt, Unsupported
from capas.events import Finished, Report, ignore
from capas.image.image import Image
from capas.image.record import record_image
from capas.layer.entry import Layer, LayerReceiver
from capas.oci import media
from capas.oci.digest import Digest
from capas.oci.platform import Platform
from capas.parallel import Nursery
from capas.reference import Reference
from capas.registry.arrival import Arrival, Here, announce
from capas.registry.client import Client, Repository
from capas.registry.resolve import Resolved, resolve
from capas.registry.telling import tell_platform, tell_source
from capas.registry.upkeep import find_current
from capas.store.put import put
from capas.store.store import Store


class Pulled(NamedTuple):
    """What a pull brought. `digest` is what the reference points at; `changed`, whether anything here is new."""

    image: Image
    reference: Reference
    digest: Digest
    changed: bool


def pull(
    client: Client,
    reference: Reference,
    store: Store,
    *,
    receiver: LayerReceiver | None,
    platform: Platform,
    report: Report = ignore,
) -> Pulled:
    """Bring an image: blobs and records into the store, layers to the receiver.

    What is here is not fetched; what another process is fetching is waited for; what an earlier try left is resumed.
    Atomic: the name appears when everything is here. Raises: NotFound; Unauthenticated; Denied; Unavailable; Corrupt
    (and nothing stays of what was fetched); Exhausted; Unsupported for what is no image.
    """
    reference = reference.with_default_tag()
    repository = client.repository(reference)
    current = find_current(repository, reference, platform, Here(store.blobs, store.records, receiver))
    if current is not None:
        tell_source(reference, report)
        return Pulled(current.image, reference, current.digest, changed=False)
    task = _Pull(client, repository, reference, store, platform)
    try:
        return task.run(receiver, report)
    except Corrupt:
        store.discard(task.fetched)
        raise


class _Pull:
    """One pull under way."""

    def __init__(
        self, client: Client, repository: Repository, reference: Reference, store: Store, platform: Platform
    ) -> None:
        self._limit = client.settings.max_downloads
        self._repository = repository
        self._reference = reference
        self._store = store
        self._platform = platform
        self.fetched: list[Digest] = []

    def run(self, receiver: LayerReceiver | None, report: Report) -> Pulled:
        """Everything, under a lease."""
        store, before = self._store, self._before()
        with store.lease() as lease:
            here = Here(lease.blobs, store.records, receiver)
            found = resolve(self._repository, self._reference, self._platform, lease.blobs)
            # now that the registry has it: what fails before has nothing said before it, as in docker
            tell_source(self._reference, report)
            image = self._documents(found, here)
            tell_platform(image.platform, self._platform, report)
            layers = list({layer.descriptor.digest: layer for layer in image.layers}.values())
            lease.hold(*(layer.descriptor.digest for layer in layers))
            arrival = self._layers(layers, here, report)
            self._record(image, found, arrival)
        after = (image.id, image.digest)
        image = Image(store.blobs, image.manifest_bytes, image.media_type)
        return Pulled(image, self._reference, found.digest, changed=bool(self.fetched) or before != after)

    def _before(self) -> tuple[Digest, Digest] | None:
        if not self._reference.tag or self._reference.digest:
            return None
        row = self._store.records.find_name(self._reference)
        return None if row is None else (row.image_id, row.manifest)

    def _documents(self, found: Resolved, here: Here) -> Image:
        """Manifest and config into the store; the image that they make."""
        image = Image(here.blobs, found.data, found.media_type)
        config = image.manifest.config
        if config.media_type not in media.CONFIGS:
            raise Unsupported(
                "{image} is not an image but an artifact of type {type}",
                image=self._reference.familiar, type=image.manifest.artifact_type or config.media_type,
            )  # fmt: skip
        if not here.has_blob(config):
            self.fetched.append(config.digest)
            put(here.blobs, self._repository.read_blob(config))
        if here.blobs.stat(image.digest) != len(found.data):
            self.fetched.append(image.digest)
            put(here.blobs, found.data)
        return image

    def _layers(self, layers: list[Layer], here: Here, report: Report) -> Arrival:
        """Bring what is missing, the biggest first: it takes longest."""
        missing = []
        for layer in layers:
            if here.has_layer(layer):
                report(Finished(layer.descriptor.digest.short, "Already exists"))
            else:
                announce(layer, report)
                missing.append(layer)
        with Nursery(self._limit) as nursery:
            arrival = Arrival(self._repository, here, check=nursery.check, report=report)
            arrival.fetched = self.fetched  # known even where the block below fails
            for layer in sorted(missing, key=lambda layer: -layer.descriptor.size):
                nursery.start(arrival.bring, layer)
        return arrival

    def _record(self, image: Image, found: Resolved, arrival: Arrival) -> None:
        """The records, all at once."""
        reference, records = self._reference, self._store.records
        named = reference._replace(tag=None) if reference.digest else reference
        with records.transaction():
            for record in arrival.records:
                records.put_layer(record)
            for part in (image.manifest.config, *image.manifest.layers):
                records.add_source(part.digest, reference.domain, reference.path)
            record_image(self._store, image, reference=named, repo_digest=found.digest)
