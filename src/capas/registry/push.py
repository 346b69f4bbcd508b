"""Pushing: an image to its registry, its blobs at once; what is there is not sent, what is near is mounted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from capas.errors import CapasError, Unsupported
from capas.events import Advanced, Failed, Finished, Report, Started, ignore
from capas.image.image import Image
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.parallel import Nursery
from capas.reference import Reference
from capas.registry.client import Client, Repository

Sources = Callable[[Digest], Sequence[tuple[str, str]]]
"""Where a blob is known to be: registries and repositories."""


def push(
    client: Client, reference: Reference, image: Image, *, sources: Sources = lambda digest: (), report: Report = ignore
) -> Digest:
    """Send an image: the config and layers that the registry lacks, then the manifest; its digest.

    Atomic: the tag moves last. Raises: Unauthenticated; Denied; Unavailable; Exhausted; NotFound for a blob that is
    not here; Unsupported for a reference by digest of another image.
    """
    reference = reference.with_default_tag()
    if reference.digest not in (None, image.digest):
        raise Unsupported("an image cannot be pushed under the digest of another: {image}", image=reference.familiar)
    task = _Push(client.repository(reference), image, sources, report)
    layers = [part for part in image.manifest.layers if not media.is_foreign(part.media_type)]
    layers = list({part.digest: part for part in layers}.values())
    config = image.manifest.config
    task.send(config)  # alone and first: it opens the way (a token) for those that go at once
    for layer in layers:
        report(Started(layer.digest.short, "Preparing", layer.size))
    with Nursery(client.settings.max_downloads) as nursery:
        for layer in sorted(layers, key=lambda part: -part.size):
            nursery.start(task.send_layer, layer, nursery.check)
    target = str(reference.digest or reference.tag)
    return task.repository.put_manifest(target, image.manifest_bytes, image.media_type)


class _Push:
    """One push under way."""

    def __init__(self, repository: Repository, image: Image, sources: Sources, report: Report) -> None:
        self.repository = repository
        self._image = image
        self._sources = sources
        self._report = report

    def send_layer(self, layer: Descriptor, check: Callable[[], None]) -> None:
        """A layer, with words about it."""
        name = layer.digest.short

        def told(done: int) -> None:
            check()
            self._report(Advanced(name, done, layer.size, "Pushing"))

        try:
            check()
            self._report(Finished(name, self.send(layer, told)))
        except CapasError as error:
            self._report(Failed(name, str(error)))
            raise

    def send(self, part: Descriptor, told: Callable[[int], None] = lambda done: None) -> str:
        """A blob, if the registry lacks it: what was done, in docker's words."""
        if self.repository.has_blob(part.digest):
            return "Layer already exists"
        source = self._source(part.digest)
        sent = self.repository.push_blob(part, lambda: self._image.source.open(part.digest), source=source, report=told)
        return "Pushed" if sent else f"Mounted from {source}"

    def _source(self, digest: Digest) -> str:
        """A repository beside ours that is known to have the blob, empty where there is none."""
        here = (self.repository.domain, self.repository.path)
        return next((path for domain, path in self._sources(digest) if domain == here[0] and path != here[1]), "")
