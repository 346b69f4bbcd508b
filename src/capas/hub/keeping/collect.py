"""Freeing what nobody needs, while pushes go on, by what the records say: no tag is walked, no file looked at.

A repository's hold on a blob (its link) ends when no manifest there needs it and no push counted on it for the time
of grace. A blob that no repository holds and no push claims is doomed in the records, deleted, then forgotten there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice, takewhile
from typing import NamedTuple, TypeVar

from capas.events import Advanced, Report, ignore
from capas.hub.hub import Hub
from capas.hub.records.claims import DELETE_NS
from capas.hub.records.quota import recount
from capas.hub.spans import SECOND_NS
from capas.oci.digest import Digest

T = TypeVar("T")
_BATCH = 500


class Collected(NamedTuple):
    """What was freed. `size` is in bytes."""

    blobs: int
    size: int
    links: int
    uploads: int


def collect(hub: Hub, *, is_over: Callable[[], bool] = lambda: False, report: Report = ignore) -> Collected:
    """Free the blobs that no manifest needs and the uploads that nobody goes on with, until `is_over` says so.

    Safe beside any number of pushes and other collectors, here and on other machines.
    Raises: Unavailable for a disk that cannot be used.
    """
    now_ns = hub.now_ns()
    links = _expire(hub, now_ns - hub.options.grace_seconds * SECOND_NS)
    uploads = hub.uploads.delete_stale(now_ns - hub.options.stale_seconds * SECOND_NS)
    hub.database.write(recount, durable=False)
    blobs = size = 0
    for batch in takewhile(lambda _: not is_over(), _batches(hub.claims.list_unheld(now_ns))):
        deleted = delete_unheld(hub, [digest for digest, _ in batch])
        blobs += len(deleted)
        size += sum(length for digest, length in batch if digest in deleted)
        report(Advanced("collect", blobs, text="blobs"))
    return Collected(blobs, size, links, uploads)


def foresee(hub: Hub) -> Collected:
    """What `collect` would free of blobs now; nothing is changed, and uploads are not looked at."""
    now_ns = hub.now_ns()
    before_ns = now_ns - hub.options.grace_seconds * SECOND_NS
    found = hub.claims.list_unheld(now_ns, expired_ns=before_ns)
    return Collected(len(found), sum(size for _, size in found), len(hub.links.list_expired(before_ns)), 0)


def _expire(hub: Hub, before_ns: int) -> int:
    """In small steps, so that pushes get their turn."""
    dropped = 0
    for number, found in groupby(hub.links.list_expired(before_ns), key=lambda link: link[0]):
        for batch in _batches([digest for _, digest in found]):
            dropped += hub.links.expire(number, batch, before_ns)
    hub.links.forget_empty()
    return dropped


def delete_unheld(hub: Hub, digests: Sequence[Digest]) -> set[Digest]:
    """Delete those blobs that nobody holds or claims; which they were."""
    now_ns, limit = hub.now_ns(), time.monotonic() + DELETE_NS / SECOND_NS / 2
    doomed = hub.claims.doom(digests, now_ns)
    deleted: set[Digest] = set()
    for digest in doomed:
        if time.monotonic() > limit:
            break
        hub.blobs.delete(digest)
        deleted.add(digest)
    hub.claims.forget(sorted(deleted), now_ns)
    if len(deleted) < len(doomed):
        hub.claims.spare(doomed, now_ns)
    return deleted


def _batches(found: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(found)
    while batch := list(islice(rest, _BATCH)):
        yield batch
