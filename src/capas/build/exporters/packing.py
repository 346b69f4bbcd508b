"""Layers packed another way than they are: inflated and compressed again, once, and remembered in the build cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from capas.build.bench import Bench
from capas.build.exporters.output import Packing
from capas.build.vertex import Made, digest_key
from capas.errors import Corrupt
from capas.layer.compression import Kind, compressor, decompress
from capas.layer.entry import Layer
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID
from capas.parallel import Nursery
from capas.store.put import fresh_ingest

_CHUNK = 1 << 20


def pack(layers: Sequence[Layer], packing: Packing, is_new: Callable[[Layer], bool], bench: Bench) -> list[Descriptor]:
    """The layers' descriptors, each in the wanted compression; those that are not new keep theirs unless forced.

    Raises: Corrupt for a blob that is not the layer it should be; Exhausted.
    """
    kind = packing.kind
    if kind is None:
        return [layer.descriptor for layer in layers]
    with Nursery(bench.request.max_parallel) as nursery:
        tasks = [
            nursery.start(_packed, layer, kind, packing, bench) if packing.force or is_new(layer) else None
            for layer in layers
        ]
    return [layer.descriptor if task is None else task.wait() for layer, task in zip(layers, tasks, strict=True)]


def _packed(layer: Layer, kind: Kind, packing: Packing, bench: Bench) -> Descriptor:
    if media.compression_of(layer.descriptor.media_type) == kind and not (packing.force and packing.level is not None):
        return layer.descriptor
    key = digest_key("packed", layer.diff_id, kind, packing.level)
    found = bench.cache.local.find(key)
    if found is not None and found.layer is not None and bench.blobs.contains(found.layer.descriptor.digest):
        return found.layer.descriptor
    made = repack(layer, kind, packing.level, bench)
    bench.cache.local.put([key], made, f"{layer.diff_id.short} as {kind}")
    assert made.layer is not None
    return made.layer.descriptor


def repack(layer: Layer, kind: Kind, level: int | None, bench: Bench) -> Made:
    """Inflate a layer and compress it again, in one pass. Raises: Corrupt; Exhausted; Invalid for a level."""
    sha256, size, compress = hashlib.sha256(), 0, compressor(kind, level)
    with bench.blobs.open(layer.descriptor.digest) as blob, fresh_ingest(bench.blobs, bench.scratch.new_key()) as out:
        tar = decompress(blob)
        while data := tar.read(_CHUNK):
            sha256.update(data)
            size += len(data)
            out.write(compress.write(data))
        out.write(compress.finish())
        if DiffID.of_hash(sha256) != layer.diff_id:
            out.abort()
            raise Corrupt("layer {digest} is not what its image says", digest=layer.descriptor.digest)
        digest, length = out.digest, out.offset
        out.commit(digest, length)
    descriptor = Descriptor(media_type=media.layer_type(kind), digest=digest, size=length)
    return Made(Layer(descriptor, layer.diff_id), size, bench.now_ns)
