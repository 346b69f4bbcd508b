"""Room in a cache: beyond its `keep_bytes`, the blobs go that nobody asked for for the longest time."""

from __future__ import annotations

from capas.hub.copying.upstream import Upstream
from capas.hub.hub import Hub
from capas.hub.keeping.collect import delete_unheld
from capas.hub.records.copies import Copies
from capas.hub.spans import SECOND_NS

_BATCH = 50
_IN_USE_SECONDS = 60  # a blob asked for so lately may still be being sent


def make_room(hub: Hub, copies: Copies, upstream: Upstream) -> int:
    """Free blobs of the upstream until its limit holds; how many bytes went.

    Manifests stay: they are small, and a blob that they name is fetched again when it is asked for.
    """
    if upstream.keep_bytes is None:
        return 0
    excess = copies.hold(upstream.prefix).blob_bytes - upstream.keep_bytes
    freed = 0
    while freed < excess:
        before_ns = hub.now_ns() - _IN_USE_SECONDS * SECOND_NS
        oldest = copies.list_oldest(upstream.prefix, before_ns, _BATCH)
        if not oldest:
            break
        for blob in oldest:
            if freed >= excess:
                break
            hub.links.unlink(blob.repository, blob.digest)
            freed += blob.size * len(delete_unheld(hub, [blob.digest]))
    return freed
