"""Writing a cache: what this build learnt, for other machines, in a registry or a directory, or inside an image."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from capas.build.bench import Bench
from capas.build.caching.document import CACHE_CONFIG, Entries, encode_config, encode_records, list_layers, only
from capas.build.caching.flags import CacheTarget
from capas.build.export import Composed
from capas.build.exporters.packing import pack
from capas.build.ports import BuildPorts
from capas.build.vertex import Made
from capas.errors import CapasError
from capas.events import Failed, Finished, Started
from capas.image.archive_documents import INDEX_JSON, LAYOUT_MARK, OCI_LAYOUT
from capas.image.archive_save import Blob
from capas.image.layout_write import write_layout
from capas.image.names import REF_NAME
from capas.layer.entry import Layer
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.document import encode
from capas.oci.manifest import Index, Manifest
from capas.registry.push import push_parts
from capas.store.put import put


def with_inline_cache(composed: Composed, bench: Bench) -> Composed:
    """The same with its cache inside the config, as BuildKit places it."""
    entries = only(bench.cache.learned, (layer.diff_id for layer in composed.layers))
    data = base64.b64encode(encode_records(entries, composed.layers)).decode()
    return composed._replace(config=replace(composed.config, inline_cache=data))


def write_caches(composed: Sequence[Composed], bench: Bench, ports: BuildPorts) -> None:
    """Every cache that was asked for. Raises: what its place raises, unless errors there are to be passed over."""
    learned = bench.cache.learned
    for target in bench.request.cache_to:
        if target.type == "inline":
            continue
        step = f"cache to {target.name}"
        bench.report(Started(step, "exporting cache"))
        try:
            _write(learned, target, composed, bench, ports)
        except CapasError as error:
            bench.report(Failed(step, error.told))
            if not target.ignore_error:
                raise
        else:
            bench.report(Finished(step, "DONE"))


def _write(
    learned: Entries, target: CacheTarget, composed: Sequence[Composed], bench: Bench, ports: BuildPorts
) -> None:
    result = [layer for one in composed for layer in one.layers]
    entries = _there(learned if target.everything else only(learned, (layer.diff_id for layer in result)), bench)
    layers = list_layers(entries)
    packed = pack(layers, target.packing, lambda layer: True, bench)
    layers = [layer._replace(descriptor=descriptor) for layer, descriptor in zip(layers, packed, strict=True)]
    config = encode_config(entries, layers)
    described = Descriptor(media_type=CACHE_CONFIG, digest=put(bench.blobs, config), size=len(config))
    data, media_type = _manifest(described, layers, target)
    parts = [described, *(layer.descriptor for layer in layers)]
    if target.reference is not None:
        push_parts(
            ports.client(), target.reference, parts, bench.blobs, document=(data, media_type),
            sources=lambda digest: [*bench.blobs.repositories_of(digest), *ports.store.records.list_sources(digest)],
            report=bench.report,
        )  # fmt: skip
    else:
        _write_directory(target, parts, data, media_type, bench)


def _there(entries: Entries, bench: Bench) -> Entries:
    """Without the layers whose blobs are gone: they were needed by no step of this build."""

    def is_there(made: Made) -> bool:
        return made.layer is None or bench.blobs.contains(made.layer.descriptor.digest)

    return {key: made for key, made in entries.items() if is_there(made)}


def _manifest(config: Descriptor, layers: Sequence[Layer], target: CacheTarget) -> tuple[bytes, str]:
    """The manifest, or the index that BuildKit wrote before registries refused it, and its media type."""
    docker = target.packing.docker_types
    descriptors = tuple(layer.descriptor for layer in layers)
    if target.as_index:
        media_type = media.DOCKER_INDEX if docker else media.OCI_INDEX
        return encode(Index(schema_version=2, media_type=media_type, manifests=(*descriptors, config))), media_type
    media_type = media.DOCKER_MANIFEST if docker else media.OCI_MANIFEST
    return encode(Manifest(schema_version=2, media_type=media_type, config=config, layers=descriptors)), media_type


def _write_directory(
    target: CacheTarget, parts: Sequence[Descriptor], data: bytes, media_type: str, bench: Bench
) -> None:
    digest = put(bench.blobs, data)
    entry = Descriptor(media_type=media_type, digest=digest, size=len(data), annotations={REF_NAME: target.tag})
    blobs: dict[Digest, Blob] = {part.digest: (bench.blobs, part.size) for part in (*parts, entry)}
    if target.place is not None:
        target.place.write(blobs, entry)
        return
    index = encode(Index(schema_version=2, media_type=media.OCI_INDEX, manifests=(entry,)))
    write_layout(Path(target.path), {OCI_LAYOUT: LAYOUT_MARK, INDEX_JSON: index}, blobs)
