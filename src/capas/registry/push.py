"""Pushing: an image to its registry, its blobs at once; what is there is not sent, what is near is mounted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from capas.errors import CapasError, Told, Unsupported
from capas.events import Advanced, Failed, Finished, Report, Started, ignore
from capas.image.image import Image
from capas.image.index import ImageIndex, iter_tops
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.parallel import Nursery
from capas.reference import Reference
from capas.registry.client import Client, Repository
from capas.registry.referrers import describe_referrer
from capas.store.contract import BlobSource

Sources = Callable[[Digest], Sequence[tuple[str, str]]]
"""Where a blob is known to be: registries and repositories."""


def push(
    client: Client,
    reference: Reference,
    top: Image | ImageIndex,
    *,
    by_digest: bool = False,
    sources: Sources = lambda digest: (),
    report: Report = ignore,
) -> Digest:
    """Send an image, or an index with all that is in it: the blobs that the registry lacks, then manifests; its digest.

    Atomic: the tag moves last; `by_digest` moves none. Raises: Unauthenticated; Denied; Unavailable; Exhausted;
    NotFound for a blob that is not here; Unsupported for a reference by digest of another image.
    """
    reference = reference.with_default_tag()
    if reference.digest not in (None, top.digest):
        raise Unsupported("an image cannot be pushed under the digest of another: {image}", image=reference.familiar)
    task = _Push(client.repository(reference), sources, client.settings.max_downloads, report)
    target = top.digest if by_digest else reference.digest or reference.tag
    task.send_top(top, str(target))
    return top.digest


def push_parts(
    client: Client,
    reference: Reference,
    parts: Sequence[Descriptor],
    source: BlobSource,
    *,
    document: tuple[bytes, str],
    sources: Sources = lambda digest: (),
    report: Report = ignore,
) -> None:
    """Send blobs, the first alone and before the others, then a document that names them, with its media type.

    Raises: as `push`.
    """
    task = _Push(client.repository(reference), sources, client.settings.max_downloads, report)
    task.send_parts(parts, source)
    task.repository.put_manifest(str(reference.tag), *document)


class _Push:
    """One push under way."""

    def __init__(self, repository: Repository, sources: Sources, limit: int, report: Report) -> None:
        self.repository = repository
        self._sources = sources
        self._limit = limit
        self._report = report
        self._sent: set[Digest] = set()

    def send_top(self, top: Image | ImageIndex, target: str) -> None:
        """An image or index under a tag or its digest, what is below it first."""
        if isinstance(top, ImageIndex):
            for below in iter_tops(top):
                self.send_top(below, below.digest)
            self.repository.put_manifest(target, top.index_bytes, top.media_type)
        else:
            self._send_image(top)
            self.repository.put_manifest(target, top.manifest_bytes, top.media_type)
            if top.manifest.subject is not None:
                self.repository.announce_referrer(
                    top.manifest.subject.digest, describe_referrer(top.manifest, top.descriptor)
                )

    def _send_image(self, image: Image) -> None:
        layers = [part for part in image.manifest.layers if not media.is_foreign(part.media_type)]
        self.send_parts([image.manifest.config, *layers], image.source)

    def send_parts(self, parts: Sequence[Descriptor], source: BlobSource) -> None:
        """Blobs, each once, the first alone: it opens the way (a token) for those that go at once."""
        layers = list({part.digest: part for part in parts[1:] if part.digest not in self._sent}.values())
        for layer in layers:
            self._report(Started(layer.digest.short, "Preparing", layer.size))
        self.send(source, parts[0])
        with Nursery(self._limit) as nursery:
            for layer in sorted(layers, key=lambda part: -part.size):
                nursery.start(self.send_layer, source, layer, nursery.check)
        self._sent.update(layer.digest for layer in layers)

    def send_layer(self, source: BlobSource, layer: Descriptor, check: Callable[[], None]) -> None:
        """A layer, with words about it."""
        name = layer.digest.short

        def told(done: int) -> None:
            check()
            self._report(Advanced(name, done, layer.size, "Pushing"))

        try:
            check()
            self._report(Finished(name, self.send(source, layer, told)))
        except CapasError as error:
            self._report(Failed(name, error.told))
            raise

    def send(self, source: BlobSource, part: Descriptor, told: Callable[[int], None] = lambda done: None) -> str:
        """A blob, if the registry lacks it: what was done, in docker's words."""
        if self.repository.has_blob(part.digest):
            return Told("Layer already exists", {})
        beside = find_beside(self.repository, part.digest, self._sources)
        sent = self.repository.push_blob(part, lambda: source.open(part.digest), source=beside, report=told)
        return "Pushed" if sent else Told("Mounted from {name}", {"name": beside})


def find_beside(repository: Repository, digest: Digest, sources: Sources) -> str:
    """A repository beside this one that is known to have the blob, empty where there is none."""
    here = (repository.domain, repository.path)
    return next((path for domain, path in sources(digest) if domain == here[0] and path != here[1]), "")
