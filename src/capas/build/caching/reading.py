"""Reading a cache: its keys now, its layers when a step needs them, each checked against its digests as it comes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from pathlib import Path

from capas.build.bench import Bench
from capas.build.caching.document import CACHE_CONFIG, Entries, decode_config, decode_records
from capas.build.caching.flags import CacheSource
from capas.build.places import BlobsPlace, LayoutPlace, Place, RepositoryPlace
from capas.build.platforms import each_platform
from capas.build.ports import BuildPorts
from capas.errors import CapasError, Corrupt, NotFound, Told
from capas.events import Finished, Started
from capas.image.index import is_attestation
from capas.layer.entry import Layer
from capas.oci.config import Config, parse_config
from capas.oci.descriptor import Descriptor
from capas.oci.manifest import Index, Manifest, parse_manifest
from capas.oci.platform import Platform
from capas.parallel import Nursery


def read_caches(bench: Bench, ports: BuildPorts, nursery: Nursery) -> None:
    """Start reading the caches that were asked for, all at once. One that is not there or not right is told of and
    passed over: it is only a cache."""
    platforms = [one.platform or one.host_platform for one in each_platform(bench.request)]
    for source in bench.request.cache_from:
        nursery.start(_read, source, platforms, bench, ports)


def _read(source: CacheSource, platforms: Sequence[Platform], bench: Bench, ports: BuildPorts) -> None:
    step = f"cache from {source.name}"
    bench.report(Started(step, "importing cache"))
    try:
        place = _open(source, bench, ports)
        found = list(_entries(place, platforms))
    except CapasError as error:
        bench.report(Finished(step, Told("passed over: {why}", {"why": error.told})))
        return
    for entries in found:
        place.expect([made.layer for made in entries.values() if made.layer is not None], bench.blobs)
        bench.cache.read(entries)
    bench.report(Finished(step, "DONE"))


def _open(source: CacheSource, bench: Bench, ports: BuildPorts) -> Place:
    if source.reference is None:
        if source.place is not None and source.digest is not None:
            return BlobsPlace(source.place, ports.store, source.digest)
        return LayoutPlace(Path(source.path), ports.store, tag=source.tag, digest=source.digest)
    return RepositoryPlace(
        ports.client(), source.reference, ports.store, check=bench.check_cancelled, report=bench.report
    )


def _entries(place: Place, platforms: Sequence[Platform]) -> Iterator[Entries]:
    data, media_type = place.get_top()
    document = parse_manifest(data, media_type)
    if isinstance(document, Manifest):
        yield _of_manifest(document, place)
        return
    listed = next((entry for entry in document.manifests if entry.media_type == CACHE_CONFIG), None)
    if listed is not None:
        yield decode_config(place.read(listed))
        return
    for descriptor in _images_for(document, platforms):
        below = parse_manifest(place.get_manifest(descriptor), descriptor.media_type)
        if isinstance(below, Manifest):
            yield _of_manifest(below, place)


def _images_for(index: Index, platforms: Sequence[Platform]) -> list[Descriptor]:
    return [
        entry
        for entry in index.manifests
        if entry.platform and not is_attestation(entry) and entry.platform.normal in platforms
    ]


def _of_manifest(manifest: Manifest, place: Place) -> Entries:
    data = place.read(manifest.config)
    if manifest.config.media_type == CACHE_CONFIG:
        return decode_config(data)
    config = parse_config(data)
    if not config.inline_cache:
        raise NotFound("it holds no cache", hint="build it with --cache-to type=inline")
    try:
        return decode_records(base64.b64decode(config.inline_cache, validate=True), _layers(manifest, config))
    except binascii.Error:
        raise Corrupt("its cache is not in base 64") from None


def _layers(manifest: Manifest, config: Config) -> list[Layer]:
    if len(manifest.layers) != len(config.rootfs.diff_ids):
        raise Corrupt("manifest and config do not agree on the layers")
    return list(map(Layer, manifest.layers, config.rootfs.diff_ids))
