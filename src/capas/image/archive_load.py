"""`load`: the images of an archive into the store, whoever wrote it, in one pass over a stream."""

from __future__ import annotations

from collections.abc import Sequence

from capas.errors import CapasError
from capas.events import Failed, Finished, Report, Started, ignore
from capas.image.archive_resolve import Found, resolve
from capas.image.archive_spool import Spool
from capas.image.image import Image
from capas.image.index import iter_images
from capas.image.record import record_top, scan_layer
from capas.layer.compression import decompress
from capas.layer.entry import Layer, LayerReceiver
from capas.oci.platform import Platform
from capas.parallel import Nursery
from capas.reference import Reference
from capas.store.contract import Readable
from capas.store.records import LayerRecord
from capas.store.store import Store

_THREADS = 4


def load(
    stream: Readable,
    store: Store,
    *,
    receiver: LayerReceiver | None = None,
    platform: Platform | None = None,
    report: Report = ignore,
) -> list[tuple[Image, list[Reference]]]:
    """Read an archive of docker (old and new), podman, skopeo, containerd or Capas, plain, gzip or zstd.

    Its images are recorded and the names in it, and no others, point at them. `receiver` gets each layer's tar;
    `platform` says which image of an index a name is for (else the first). The stream is read once, forward.
    Atomic: when anything is wrong, no record, name or blob of the archive stays.
    Raises: Invalid for a tar that is no archive; Corrupt; Unsupported; Exhausted.
    """
    with store.lease() as lease:
        try:
            spool = Spool(lease.blobs, store.records)
            spool.fill(stream)
            found = resolve(spool, lease.blobs, platform)
            _take_layers(store, found, receiver, report)
            _record(store, found)
        finally:
            lease.release()
            store.discard(lease.brought)  # after a failure all of it, after success the members that no image needs
    return [(Image(store.blobs, one.image.manifest_bytes, one.image.media_type), one.names) for one in found]


def _take_layers(store: Store, found: Sequence[Found], receiver: LayerReceiver | None, report: Report) -> None:
    images = [image for one in found for image in iter_images(one.over or one.image)]
    layers = {(layer.descriptor.digest, layer.diff_id): layer for image in images for layer in image.layers}
    with Nursery(_THREADS) as nursery:
        for layer in layers.values():
            nursery.start(_take_layer, store, layer, receiver, report)


def _take_layer(store: Store, layer: Layer, receiver: LayerReceiver | None, report: Report) -> None:
    name = layer.diff_id.short
    report(Started(name, "Loading layer", layer.descriptor.size))
    try:
        fresh = _receive(store, layer, receiver)
    except CapasError as error:
        report(Failed(name, error.told))
        raise
    report(Finished(name, "Loaded" if fresh else "Already exists"))


def _receive(store: Store, layer: Layer, receiver: LayerReceiver | None) -> bool:
    """Verify a layer against its diff_id, handing it to the receiver in the same pass. Whether there was work to do."""
    descriptor = layer.descriptor
    known = store.records.find_layer_of(descriptor.digest)
    is_known = known is not None and known.diff_id == layer.diff_id
    if receiver is not None and not receiver.has_layer(layer.diff_id):
        with store.blobs.open(descriptor.digest) as file:
            counted = Counted(decompress(file))
            receiver.add_layer(layer.diff_id, counted)
        record = LayerRecord(layer.diff_id, descriptor.digest, descriptor.media_type, descriptor.size, counted.size)
    elif is_known:
        return False
    elif str(descriptor.digest) == str(layer.diff_id):
        size = descriptor.size  # not compressed: the digest, verified when it came in, is the diff_id
        record = LayerRecord(layer.diff_id, descriptor.digest, descriptor.media_type, size, size)
    else:
        record = scan_layer(store.blobs, layer)
    store.records.put_layer(record)
    return True


class Counted:
    """A stream that counts what is read of it."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        data = self._stream.read(size)
        self.size += len(data)
        return data


def _record(store: Store, found: Sequence[Found]) -> None:
    with store.records.transaction():
        for one in found:
            record_top(store, one.over or one.image, one.image, one.names)
