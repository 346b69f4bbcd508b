"""What a pull or a push would move, before anything moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from capas.errors import Conflict
from capas.image.image import Image
from capas.image.index import ImageIndex, iter_tops
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.arrival import Here
from capas.registry.client import Repository
from capas.registry.push import Sources, find_beside
from capas.registry.remote import RemoteSource
from capas.registry.resolve import resolve
from capas.store.contract import BlobStore

State = Literal["missing", "partial", "here", "awaited", "mounted"]


class Move(NamedTuple):
    """A blob or document. `transfer`: the bytes of it that would move now.

    `state`: missing, partly there from an earlier try, there already, on its way by another process, or mounted from
    another repository of the registry.
    """

    kind: Literal["manifest", "config", "layer"]
    digest: Digest
    size: int
    transfer: int
    state: State


class Plan(NamedTuple):
    """What would move. Units: bytes, of bodies: what a protocol writes around them is not counted.

    `unpack`: bytes of the layers' tars that would be unpacked, where that is known of each; else None.
    """

    reference: Reference
    moves: tuple[Move, ...]
    packed: int
    """Bytes of those layers, packed, that would be unpacked."""
    unpack: int | None = None

    @property
    def transfer(self) -> int:
        """All that would move."""
        return sum(move.transfer for move in self.moves)


def plan_pull(repository: Repository, reference: Reference, here: Here, platform: Platform) -> Plan:
    """What `pull` would fetch. Reads manifests and the config, and keeps nothing.

    Raises: NotFound; Unauthenticated; Denied; Unavailable; Corrupt.
    """
    found = resolve(repository, reference, platform, here.blobs)
    image = Image(RemoteSource(repository), found.data, found.media_type)
    top = Move("manifest", image.digest, len(found.data), len(found.data), "missing")
    if here.blobs.contains(image.digest):
        top = top._replace(transfer=0, state="here")
    config = _arriving("config", image.manifest.config, here.blobs)
    layers = list({layer.descriptor.digest: layer for layer in image.layers}.values())
    moves = [top, config, *(_arriving("layer", layer.descriptor, here.blobs) for layer in layers)]
    fresh = [layer for layer in layers if not here.has_layer(layer)] if here.receiver else []
    known = [here.records.find_layer(layer.diff_id) for layer in fresh]
    sizes = [record.uncompressed_size for record in known if record]
    unpack = sum(sizes) if len(sizes) == len(known) else None
    return Plan(reference, tuple(moves), sum(layer.descriptor.size for layer in fresh), unpack)


def plan_push(repository: Repository, reference: Reference, top: Image | ImageIndex, sources: Sources) -> Plan:
    """What `push` would send: manifests always, blobs where the registry neither has nor mounts them. Raises: as it."""
    moves = {move.digest: move for move in _leaving(repository, top, sources)}
    return Plan(reference, tuple(moves.values()), 0)


def _arriving(kind: Literal["config", "layer"], part: Descriptor, blobs: BlobStore) -> Move:
    if blobs.stat(part.digest) == part.size:
        return Move(kind, part.digest, part.size, 0, "here")
    try:
        with blobs.ingest(part.digest) as ingest:
            begun = ingest.offset
            if not begun:
                ingest.abort()
    except Conflict:
        return Move(kind, part.digest, part.size, 0, "awaited")
    return Move(kind, part.digest, part.size, part.size - begun, "partial" if begun else "missing")


def _leaving(repository: Repository, top: Image | ImageIndex, sources: Sources) -> Iterator[Move]:
    if isinstance(top, ImageIndex):
        for below in iter_tops(top):
            yield from _leaving(repository, below, sources)
        size = len(top.index_bytes)
    else:
        yield _blob("config", repository, top.manifest.config, sources)
        for part in top.manifest.layers:
            if not media.is_foreign(part.media_type):
                yield _blob("layer", repository, part, sources)
        size = len(top.manifest_bytes)
    yield Move("manifest", top.digest, size, size, "missing")


def _blob(kind: Literal["config", "layer"], repository: Repository, part: Descriptor, sources: Sources) -> Move:
    if repository.has_blob(part.digest):
        return Move(kind, part.digest, part.size, 0, "here")
    if find_beside(repository, part.digest, sources):
        return Move(kind, part.digest, part.size, 0, "mounted")
    return Move(kind, part.digest, part.size, part.size, "missing")
