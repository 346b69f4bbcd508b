"""Whether all that the records say is in the storage, whole, and the other way round; and mending it, beside pushes.

Nothing that can be pulled is ever deleted, and no blob that may still be whole: a push of the same bytes heals what is
missing, so what mending does is to say honestly that they are not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

from capas.errors import NotFound
from capas.events import Advanced, Report, ignore
from capas.hub.hub import Hub
from capas.hub.keeping.collect import delete_unheld
from capas.hub.records.inventory import Inventory, Unmet
from capas.oci.digest import Digest

Kind = Literal["missing", "damaged", "unreadable", "stray", "unlinked", "incomplete", "manifest"]
_PIECE = 1024 * 1024


class Finding(NamedTuple):
    """Something that is not as it should be. `subject` is a digest, or repository@digest.

    missing: a blob's bytes are gone. damaged: they are others, or fewer. unreadable: the disk does not give them, and
    may another time, so nothing is done. stray: bytes that no record knows.
    unlinked: a manifest's blob is there and its repository does not hold it. incomplete: a manifest needs what is
    nowhere. manifest: its own bytes are damaged.
    """

    kind: Kind
    subject: str
    text: str
    repaired: bool = False


def check(hub: Hub, *, repair: bool = False, read: bool = True, report: Report = ignore) -> Iterator[Finding]:
    """Everything that is wrong. `read`: the bytes of every blob too, not only their number.

    Raises: Unavailable for a storage or records that cannot be used.
    """
    known = Inventory(hub.database)
    # first what is stored, then what is recorded: a row is there before its bytes, so that a push is no stray
    stored = dict(hub.blobs.iterate())
    recorded = known.blobs()
    yield from _strays(known, stored, recorded, repair)
    for seen, (digest, size) in enumerate(recorded.items(), 1):
        report(Advanced("fsck", seen, len(recorded), text="blobs"))
        finding = _look(hub, digest, (size, stored.get(digest)), read)
        if finding is not None and known.is_recorded(digest):  # else it was collected meanwhile
            yield finding._replace(repaired=repair and finding.kind != "unreadable" and _give_up(hub, known, digest))
    yield from _manifests(hub, known, repair)


def _strays(
    known: Inventory, stored: dict[Digest, int], recorded: dict[Digest, int], repair: bool
) -> Iterator[Finding]:
    strays = [digest for digest in stored if digest not in recorded]
    for digest in strays:
        if repair:
            known.adopt(digest, stored[digest])
        yield Finding("stray", digest, "no record knows it: `capas hub collect` frees it once it has one", repair)


def _look(hub: Hub, digest: Digest, sizes: tuple[int, int | None], read: bool) -> Finding | None:
    """What is wrong with one blob. `sizes`: recorded, and stored when the storage was listed."""
    recorded, stored = sizes
    if stored is None:
        stored = hub.blobs.stat(digest)  # it may have come since
    if stored is None:
        return Finding("missing", digest, "its bytes are gone: a push of the same bytes brings them back")
    if recorded and stored != recorded:
        return Finding("damaged", digest, f"it has {stored} bytes, and should have {recorded}")
    if not read:
        return None
    try:
        if _is_whole(hub, digest):
            return None
    except NotFound:
        return Finding("missing", digest, "its bytes are gone: a push of the same bytes brings them back")
    except OSError as error:
        return Finding("unreadable", digest, f"it cannot be read: {error.strerror}")
    return Finding("damaged", digest, "its bytes have another digest")


def _is_whole(hub: Hub, digest: Digest) -> bool:
    sha256 = hashlib.sha256()
    with hub.blobs.open(digest) as file:
        while piece := file.read(_PIECE):
            sha256.update(piece)
    return Digest.of_hash(sha256) == digest


def _give_up(hub: Hub, known: Inventory, digest: Digest) -> bool:
    """Say that the bytes are not there: no repository holds them, so that the next push brings them."""
    known.unlink(digest)
    delete_unheld(hub, [digest])
    return True


def _manifests(hub: Hub, known: Inventory, repair: bool) -> Iterator[Finding]:
    passed_over = tuple(f"{one.upstream.prefix}/" for one in hub.caches.all.values()) if hub.caches else ()
    for digest, where in known.damaged_manifests():
        yield Finding("manifest", f"{where}@{digest}", "its bytes have another digest: push it again")
    for unmet in known.unmet():
        if passed_over and unmet.repository.startswith(passed_over):  # a copy whose parts come when they are asked for
            continue
        yield _meet(hub, known, unmet, repair)


def _meet(hub: Hub, known: Inventory, unmet: Unmet, repair: bool) -> Finding:
    subject = f"{unmet.repository}@{unmet.manifest}"
    if unmet.is_manifest:
        return Finding("incomplete", subject, f"the index lists {unmet.digest}, which is not there")
    if hub.blobs.stat(unmet.digest) is None:
        return Finding("incomplete", subject, f"it needs {unmet.digest}, which is nowhere: push it again")
    return Finding(
        "unlinked", subject, f"{unmet.digest} is stored, and not held there", repair and known.link(unmet, hub.now_ns())
    )
