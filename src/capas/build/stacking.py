"""Layers below a RUN, brought to the snapshotter: only those that are missing, several at once."""

from __future__ import annotations

from collections.abc import Sequence

from capas.build.bench import Bench
from capas.layer.compression import decompress
from capas.layer.entry import Layer
from capas.oci.digest import ChainID
from capas.parallel import Nursery

_AT_ONCE = 4


def stack_layers(layers: Sequence[Layer], bench: Bench) -> ChainID | None:
    """The committed snapshot of this stack, None for no layer at all. Raises: Corrupt; Exhausted."""
    if not layers:
        return None
    missing = [layer for layer in layers if not bench.snapshotter.has_layer(layer.diff_id)]
    if len(missing) == 1:
        _add_layer(missing[0], bench)
    elif missing:
        with Nursery(_AT_ONCE) as nursery:
            for layer in missing:
                nursery.start(_add_layer, layer, bench)
    return bench.snapshotter.stack([layer.diff_id for layer in layers])


def _add_layer(layer: Layer, bench: Bench) -> None:
    if bench.blobs.bring(layer.descriptor.digest, bench.snapshotter):
        return  # fetched and unpacked in one pass
    with bench.blobs.open(layer.descriptor.digest) as blob:
        bench.snapshotter.add_layer(layer.diff_id, decompress(blob))
