"""Freeing what nobody needs, while pushes go on.

A repository's hold on a blob (its link) ends when no manifest there needs it and no push counted on it for the time
of grace. A blob that no repository holds is deleted. A push shares the gate while it commits a blob and links it;
here the gate is taken alone for each small batch, so that no blob is looked at between the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from capas.events import Advanced, Report, ignore
from capas.hub.hub import SECOND_NS, Hub
from capas.oci.digest import Digest
from capas.store.lock import locked

_BATCH = 100


class Collected(NamedTuple):
    """What was freed. `size` is in bytes."""

    blobs: int
    size: int
    links: int
    uploads: int


def collect(hub: Hub, *, report: Report = ignore) -> Collected:
    """Free the blobs that no manifest needs and the uploads that nobody goes on with.

    Safe beside any number of pushes, in this process and in others. Raises: Unavailable for a disk that cannot be used.
    """
    now_ns = hub.now_ns()
    links = hub.links.expire_links(now_ns - hub.options.grace_seconds * SECOND_NS)
    uploads = hub.uploads.delete_stale(now_ns - hub.options.stale_seconds * SECOND_NS)
    blobs = size = seen = 0
    for batch in _batches(hub.blobs.iterate()):
        unlinked = hub.links.list_unlinked([digest for digest, _ in batch])
        if unlinked:
            deleted = delete_unlinked(hub, [(digest, length) for digest, length in batch if digest in unlinked])
            blobs += len(deleted)
            size += sum(deleted)
        seen += len(batch)
        report(Advanced("collect", seen, text="blobs"))
    return Collected(blobs, size, links, uploads)


def delete_unlinked(hub: Hub, candidates: list[tuple[Digest, int]]) -> list[int]:
    """Delete those blobs that no repository holds; their sizes."""
    with locked(hub.gate):
        still = hub.links.list_unlinked([digest for digest, _ in candidates])
        for digest in still:
            hub.blobs.delete(digest)
    return [size for digest, size in candidates if digest in still]


def _batches(blobs: Iterator[tuple[Digest, int]]) -> Iterator[list[tuple[Digest, int]]]:
    while batch := list(islice(blobs, _BATCH)):
        yield batch
