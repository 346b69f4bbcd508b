"""From an image whose blobs are here to a stack of layers: what is missing is unpacked, several at once."""

from __future__ import annotations

from capas.events import Finished, Report, Started, ignore
from capas.image.image import Image
from capas.layer.compression import decompress
from capas.layer.entry import Layer
from capas.oci.digest import ChainID, chain_id
from capas.parallel import Nursery
from capas.snapshot.contract import Snapshotter

_AT_ONCE = 4


def unpack(image: Image, snapshotter: Snapshotter, *, report: Report = ignore) -> ChainID | None:
    """The stack of an image's layers, None for an image without any. Raises: NotFound for a blob; Corrupt."""
    diff_ids = [layer.diff_id for layer in image.layers]
    if not diff_ids:
        return None
    chain = chain_id(diff_ids)
    if snapshotter.stat(chain) is not None:
        return chain
    with Nursery(_AT_ONCE) as nursery:
        for layer in {layer.diff_id: layer for layer in image.layers}.values():
            if not snapshotter.has_layer(layer.diff_id):
                nursery.start(_unpack, image, snapshotter, layer, report)
    return snapshotter.stack(diff_ids)


def _unpack(image: Image, snapshotter: Snapshotter, layer: Layer, report: Report) -> None:
    name = layer.descriptor.digest.short
    report(Started(name, "Unpacking", layer.descriptor.size))
    with image.source.open(layer.descriptor.digest) as blob:
        snapshotter.add_layer(layer.diff_id, decompress(blob))
    report(Finished(name, "Unpacked"))
