"""A lease: the blobs that a pull, build or load in flight relies on, safe from gc until it ends or dies."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from capas.oci.digest import Digest
from capas.store.contract import BlobStore, Ingest
from capas.store.disk import disk_errors, make_dirs, unlink
from capas.store.lock import locked, try_lock


class Lease:
    """Digests in a locked file under `root/leases`. The lock ends with the process, and the lease with the lock.

    Order: `hold` a digest, then look whether its blob is there. `gate` is shared while a digest is written down and
    taken alone by gc, so that gc sees the digest, or the look comes after gc. Safe from many threads.

    `brought` gathers the blobs that came by this lease and were not there before: what `Store.discard` takes back.
    """

    def __init__(self, root: Path, gate: Path, blobs: BlobStore) -> None:
        self._gate = gate
        self._lock = threading.Lock()
        self._held: set[Digest] = set()
        self.brought: list[Digest] = []
        self.blobs: BlobStore = LeasedBlobs(blobs, self)
        with disk_errors(root):
            make_dirs(root)
            with locked(gate, shared=True):
                self._path, self._fd = _new_file(root)

    def hold(self, *digests: Digest) -> None:
        """Keep these blobs from now on, whether they are here yet or not; after the lease's end, nothing.

        Idempotent. Raises: Exhausted.
        """
        with self._lock:
            fresh = [Digest.parse(digest) for digest in digests if digest not in self._held]
            if not fresh or self._fd < 0:
                return
            with disk_errors(self._path), locked(self._gate, shared=True):
                os.write(self._fd, "".join(f"{digest}\n" for digest in fresh).encode())
            self._held.update(fresh)

    def release(self) -> None:
        """End it: what no image needs by now may go. Idempotent."""
        with self._lock:
            if self._fd >= 0:
                unlink(self._path)
                os.close(self._fd)
                self._fd = -1

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class LeasedBlobs:
    """The store's blobs, each held by the lease as soon as it is asked for or brought."""

    def __init__(self, blobs: BlobStore, lease: Lease) -> None:
        self._blobs = blobs
        self._lease = lease

    def open(self, digest: Digest) -> BinaryIO:
        """The blob, held. Raises: NotFound."""
        self._lease.hold(digest)
        return self._blobs.open(digest)

    def contains(self, digest: Digest) -> bool:
        """Whether it is here; if so, it stays."""
        self._lease.hold(digest)
        return self._blobs.contains(digest)

    def stat(self, digest: Digest) -> int | None:
        """Its size; if it is here, it stays."""
        self._lease.hold(digest)
        return self._blobs.stat(digest)

    def ingest(self, name: str) -> Ingest:
        """Begin or resume a write; the blob is held before it becomes visible. Raises: Conflict."""
        return LeasedIngest(self._blobs, self._blobs.ingest(name), self._lease)

    def delete(self, digest: Digest) -> None:
        """Remove it. Idempotent."""
        self._blobs.delete(digest)

    def iterate(self) -> Iterator[tuple[Digest, int]]:
        """Every blob with its size. What is only listed is not held."""
        return self._blobs.iterate()


class LeasedIngest:
    """An ingest whose blob is held before it becomes visible."""

    def __init__(self, blobs: BlobStore, ingest: Ingest, lease: Lease) -> None:
        self._blobs = blobs
        self._ingest = ingest
        self._lease = lease
        self.write = ingest.write  # the hot path, without a step between

    @property
    def offset(self) -> int:
        """Bytes written so far."""
        return self._ingest.offset

    @property
    def digest(self) -> Digest:
        """The digest of all that is written so far."""
        return self._ingest.digest

    def commit(self, digest: Digest, size: int | None = None) -> None:
        """Hold it, then make it visible. Raises: Corrupt; Exhausted."""
        self._lease.hold(digest)
        if not self._blobs.contains(digest):
            self._lease.brought.append(digest)
        self._ingest.commit(digest, size)

    def abort(self) -> None:
        """Forget it. Idempotent."""
        self._ingest.abort()

    def __enter__(self) -> LeasedIngest:
        self._ingest.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ingest.__exit__(kind, error, trace)


def list_held(root: Path) -> set[Digest]:
    """What living leases hold; those of dead processes are removed. The caller has the gate to itself."""
    held: set[Digest] = set()
    for name in os.listdir(root) if root.is_dir() else []:
        path = root / name
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        with open(fd, "rb") as file:
            if try_lock(fd):
                unlink(path)
            else:
                held.update(Digest(line) for line in file.read().decode().split())
    return held


def _new_file(root: Path) -> tuple[Path, int]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    for number in count():
        path = root / f"{os.getpid()}.{number}"
        try:
            fd = os.open(path, flags, 0o600)
        except FileExistsError:
            continue
        fcntl.flock(fd, fcntl.LOCK_EX)
        return path, fd
    raise AssertionError
