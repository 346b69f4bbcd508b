"""The cache as a document: which keys gave which layers, in BuildKit's container with keys of Capas.

BuildKit's `application/vnd.buildkit.cacheconfig.v0` is a list of layers and a list of records, each a digest with the
layers that it gave. Registries and tools know that type and carry it. The digests are made by each builder of what it
knows about a step, so that BuildKit and Capas find nothing in each other's caches, and read past each other.
Spec: moby/buildkit, cache/remotecache/v1/types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from capas.build.vertex import Made
from capas.errors import Corrupt
from capas.image.created import format_created, parse_created
from capas.layer.entry import Layer
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID, Digest
from capas.oci.document import decode, encode

CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"
_VERSION = 1


class LayerNotes(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, rename="camel"):
    """What is said of a layer. `uncompressed_size` is Capas' own word."""

    media_type: str = ""
    diff_id: str = msgspec.field(name="diffID", default="")
    size: int = 0
    created_at: str = ""
    uncompressed_size: int = 0


class CacheLayer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One layer of the list. `parent` is BuildKit's; keys of Capas know the whole stack below."""

    blob: Digest
    parent: int = -1
    annotations: LayerNotes = LayerNotes()


class CacheResult(msgspec.Struct, frozen=True, kw_only=True):
    """A layer that a step gave, by its place in the list of layers."""

    layer: int
    created: str = msgspec.field(name="createdAt", default="")


class CacheRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one key gave: a layer, or none and only the time."""

    digest: Digest
    results: tuple[CacheResult, ...] = ()
    created: str = msgspec.field(name="createdAt", default="")  # of a step without a layer


class CacheConfig(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The document. `capas` is the version of the keys, 0 for another builder's."""

    layers: tuple[CacheLayer, ...] = ()
    records: tuple[CacheRecord, ...] = ()
    capas: int = 0


Entries = Mapping[str, Made]
"""A cache as values: what each key gave."""


def only(entries: Entries, diff_ids: Iterable[DiffID]) -> Entries:
    """The steps that gave one of these layers, or none at all."""
    wanted = set(diff_ids)
    return {key: made for key, made in entries.items() if made.layer is None or made.layer.diff_id in wanted}


def list_layers(entries: Entries) -> list[Layer]:
    """Every layer of the entries, each once. Order: by diff_id, so that equal caches are equal documents."""
    layers = {made.layer.diff_id: made.layer for made in entries.values() if made.layer is not None}
    return [layers[diff_id] for diff_id in sorted(layers)]


def encode_config(entries: Entries, layers: Sequence[Layer]) -> bytes:
    """The document over these layers."""
    sizes = {made.layer.diff_id: made for made in entries.values() if made.layer is not None}
    described = tuple(_describe(layer, sizes[layer.diff_id]) for layer in layers)
    return encode(CacheConfig(layers=described, records=list_records(entries, layers), capas=_VERSION))


def encode_records(entries: Entries, layers: Sequence[Layer]) -> bytes:
    """The records alone, over the layers of an image: BuildKit's inline form."""
    return encode(list_records(entries, layers))


def list_records(entries: Entries, layers: Sequence[Layer]) -> tuple[CacheRecord, ...]:
    """The records, by key. What gave a layer that is not among these is left out."""
    places = {layer.diff_id: number for number, layer in enumerate(layers)}
    records = []
    for key, made in entries.items():
        created, digest = format_created(made.created_ns), Digest(f"sha256:{key}")
        if made.layer is None:
            records.append(CacheRecord(digest=digest, created=created))
        elif made.layer.diff_id in places:
            result = CacheResult(layer=places[made.layer.diff_id], created=created)
            records.append(CacheRecord(digest=digest, results=(result,)))
    return tuple(sorted(records, key=lambda record: record.digest))


def decode_config(data: bytes) -> Entries:
    """The entries of a document; none of another builder's. Raises: Corrupt."""
    config = decode(data, CacheConfig, "cache config")
    if config.capas != _VERSION:
        return {}
    layers = [(_layer(layer), layer.annotations.uncompressed_size) for layer in config.layers]
    return _entries(config.records, layers)


def decode_records(data: bytes, layers: Sequence[Layer]) -> Entries:
    """The entries of an image's inline cache. Raises: Corrupt."""
    records = decode(data, tuple[CacheRecord, ...], "inline cache")
    return _entries(records, [(layer, 0) for layer in layers])


def _entries(records: Iterable[CacheRecord], layers: Sequence[tuple[Layer, int]]) -> Entries:
    entries: dict[str, Made] = {}
    for record in records:
        if not record.results:
            entries[record.digest.hex] = Made(None, 0, parse_created(record.created))
            continue
        result = record.results[0]
        if not 0 <= result.layer < len(layers):
            raise Corrupt("the cache names a layer that it has not: {number}", number=result.layer)
        layer, size = layers[result.layer]
        entries[record.digest.hex] = Made(layer, size, parse_created(result.created))
    return entries


def _layer(layer: CacheLayer) -> Layer:
    notes = layer.annotations
    if media.compression_of(notes.media_type) is None or notes.uncompressed_size < 0:
        raise Corrupt("the cache has a layer of type {type}", type=notes.media_type[:100])
    descriptor = Descriptor(media_type=notes.media_type, digest=layer.blob, size=notes.size)
    return Layer(descriptor, DiffID.parse(notes.diff_id))


def _describe(layer: Layer, made: Made) -> CacheLayer:
    notes = LayerNotes(
        media_type=layer.descriptor.media_type,
        diff_id=str(layer.diff_id),
        size=layer.descriptor.size,
        created_at=format_created(made.created_ns),
        uncompressed_size=made.uncompressed_size,
    )
    return CacheLayer(blob=layer.descriptor.digest, annotations=notes)
