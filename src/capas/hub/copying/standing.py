"""How the upstreams of a hub stand: what is held of each, and what each says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from capas.hub.hub import Hub
from capas.hub.records.copies import Holding

if TYPE_CHECKING:
    from capas.hub.copying.cache import Cache


class Standing(NamedTuple):
    """One upstream. Counts of requests are this process's own; what is held is everybody's."""

    prefix: str
    host: str
    is_public: bool
    repositories: int
    tags: int
    blobs: int
    blob_bytes: int
    keep_bytes: int | None
    limit: int | None
    remaining: int | None
    window_seconds: int | None
    wait_seconds: float
    down: str
    hits: int
    misses: int
    stale: int
    fetched_bytes: int


def list_standing(hub: Hub) -> list[Standing]:
    """All of them, in the order of the configuration."""
    caches = hub.caches
    if caches is None:
        return []
    return [_stand(cache, caches.copies.hold(prefix)) for prefix, cache in caches.all.items()]


def _stand(cache: Cache, held: Holding) -> Standing:
    upstream, patient, counts = cache.upstream, cache.patient, cache.counts
    return Standing(
        prefix=upstream.prefix,
        host=upstream.host,
        is_public=upstream.is_public,
        keep_bytes=upstream.keep_bytes,
        wait_seconds=patient.wait_seconds,
        down=patient.down,
        hits=counts.hits,
        misses=counts.misses,
        stale=counts.stale,
        fetched_bytes=counts.fetched_bytes,
        **held._asdict(),
        **patient.limits._asdict(),
    )
