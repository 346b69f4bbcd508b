"""The store: blobs and records under one directory, leases, gc and fsck."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from capas.events import Report, ignore
from capas.oci.digest import Digest
from capas.store.contract import BlobStore
from capas.store.disk import disk_errors, empty_dir, make_dirs
from capas.store.lock import locked
from capas.store.records import Records

if TYPE_CHECKING:  # a listing reads records alone: the rest is loaded by the verb that needs it
    from capas.store.blobs import DirectoryBlobs
    from capas.store.check import Finding
    from capas.store.lease import Lease
    from capas.store.record import SparedRecord


class Collected(NamedTuple):
    """What gc deleted: how many blobs, and their bytes."""

    blobs: int
    size: int


class Store:
    """Everything Capas keeps of images, in `root`: `blobs/`, `ingest/`, `leases/`, `records.db`."""

    def __init__(
        self,
        root: Path,
        wrap: Callable[[BlobStore, Records], BlobStore] | None = None,
        *,
        records: Records | None = None,
    ) -> None:
        """`wrap` may stand before the blobs on disk, for those that are not kept but can be had again.

        `records` are those of another store of this root, to be shared with it.
        """
        self.root = root
        self.records = records or Records(root / "records.db")
        self._wrap = wrap
        self._leases = root / "leases"
        self._gate = root / "gc.lock"
        self._trash = root / "trash"

    @cached_property
    def blobs(self) -> BlobStore:
        """The blobs."""
        return self._wrap(self.kept, self.records) if self._wrap else self.kept

    @cached_property
    def kept(self) -> DirectoryBlobs:
        """Those that are on this disk."""
        from capas.store.blobs import DirectoryBlobs

        return DirectoryBlobs(self.root)

    def lease(self) -> Lease:
        """A lease, to be used as a block: `lease.blobs` are the store's, each safe from gc once asked for or brought.

        Order: put the records that need the blobs before the block ends. Raises: Exhausted.
        """
        from capas.store.lease import Lease

        with disk_errors(self.root):
            make_dirs(self.root)
        return Lease(self._leases, self._gate, self.blobs)

    def collect(self, extra_live: Iterable[Digest] = (), *, ingests_before_ns: int = 0) -> Collected:
        """Delete the blobs that no image, living lease or `extra_live` needs, and ingests not written to for long.

        Atomic: blobs go out of sight in one short moment that leases wait for; the bytes are freed after it.
        """
        if not self.root.is_dir():
            return Collected(0, 0)
        if ingests_before_ns:
            self.kept.delete_ingests(ingests_before_ns)
        return self._sweep(None, set(extra_live))

    def discard(self, digests: Iterable[Digest]) -> Collected:
        """As `collect`, of these blobs alone: how a verb that failed takes back what it brought."""
        return self._sweep(set(digests), set())

    def list_unkept(self) -> list[SparedRecord]:
        """The blobs that were spared and are not on disk now: they are had from their layers, or elsewhere."""
        return [one for one in self.records.iter_spared() if not self.kept.contains(one.digest)]

    def check(self, repair: bool = False, *, report: Report = ignore) -> list[Finding]:
        """Read everything and tell what is wrong. Repair: remove what is damaged, so that a pull brings it again."""
        from capas.store.check import check

        return check(self.blobs, self.records, repair=repair, report=report)

    def close(self) -> None:
        """Let go of the records' file. The next use opens it again."""
        self.records.close()

    @contextmanager
    def stilled(self) -> Iterator[set[Digest]]:
        """A short block in which no lease can hold anything more, with every digest that is needed or held.

        For gc of what stands on blobs (snapshots): decide and hide inside, free after. Not for nesting.
        """
        from capas.store.lease import list_held

        with disk_errors(self.root), locked(self._gate):
            held = list_held(self._leases)  # before the records: a lease ends after its records are put
            yield held | self.records.live_digests()

    def _sweep(self, candidates: set[Digest] | None, extra_live: set[Digest]) -> Collected:
        with self.stilled() as live:
            live |= extra_live
            dead = {
                digest: size
                for digest, size in self.kept.iterate()
                if digest not in live and (candidates is None or digest in candidates)
            }
            self.kept.set_aside(list(dead), self._trash)
            spared = {record.digest for record in self.records.iter_spared()} - live
            gone = dead.keys() | (spared if candidates is None else spared & candidates)
            if gone:  # in here: to a lease that comes after us a blob that is forgotten was never here
                self.records.forget_blobs(gone)
        with disk_errors(self._trash):
            empty_dir(self._trash)
        return Collected(len(dead), sum(dead.values()))
