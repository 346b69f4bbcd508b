"""The upstreams of the hub's cache: what it holds of each, and how each is. For administrators."""

from __future__ import annotations

import msgspec

from capas.hub.api.operation import Ask, Operation, Page
from capas.hub.copying.standing import Standing, list_standing
from capas.hub.people.required import require_admin


class UpstreamSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream. `limit` and `remaining`: what it said last of how much may be fetched; null where it says nothing.

    `wait_seconds`: how long it asks to be left alone. `down`: why it does not answer, empty while it does. `hits`,
    `misses`, `stale` and `fetched_bytes` count what this process did since it began.
    """

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


def list_upstreams(ask: Ask) -> Page[UpstreamSeen]:
    """The upstreams, in the order of the configuration."""
    require_admin(ask.hub, ask.identity)
    return Page([_seen(one) for one in list_standing(ask.hub)])


def _seen(one: Standing) -> UpstreamSeen:
    return UpstreamSeen(**one._asdict())


OPERATIONS = (Operation("GET", "/upstreams", list_upstreams),)
