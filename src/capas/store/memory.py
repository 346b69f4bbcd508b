"""Blobs in memory: for tests, and for programs whose images are small."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO

from capas.errors import Conflict, Corrupt, NotFound
from capas.oci.digest import Digest


class MemoryBlobs:
    """A `BlobStore` that ends with its process. Safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blobs: dict[Digest, bytes] = {}
        self._unfinished: dict[str, bytearray] = {}
        self._held: set[str] = set()

    def open(self, digest: Digest) -> BinaryIO:
        """The blob from its first byte. Raises: NotFound."""
        data = self._blobs.get(Digest.parse(digest))
        if data is None:
            raise NotFound("no such blob: {digest}", digest=digest)
        return io.BytesIO(data)

    def contains(self, digest: Digest) -> bool:
        """Whether it is here."""
        return Digest.parse(digest) in self._blobs

    def stat(self, digest: Digest) -> int | None:
        """Its size in bytes, None where it is not here."""
        data = self._blobs.get(Digest.parse(digest))
        return None if data is None else len(data)

    def ingest(self, name: str) -> MemoryIngest:
        """Begin or resume the write called `name`. Raises: Conflict while another holds it."""
        with self._lock:
            if name in self._held:
                raise Conflict("{name} is being written by another", name=name)
            self._held.add(name)
            return MemoryIngest(self, name, self._unfinished.setdefault(name, bytearray()))

    def delete(self, digest: Digest) -> None:
        """Remove it. Idempotent."""
        self._blobs.pop(Digest.parse(digest), None)

    def iterate(self) -> Iterator[tuple[Digest, int]]:
        """Every blob with its size."""
        return iter([(digest, len(data)) for digest, data in list(self._blobs.items())])

    def keep(self, digest: Digest, data: bytes) -> None:
        """Make a blob visible. For ingests, which have verified it."""
        self._blobs[digest] = data

    def end(self, name: str, *, forget: bool) -> None:
        """Let go of the ingest `name`. For ingests."""
        with self._lock:
            self._held.discard(name)
            if forget or not self._unfinished.get(name):
                self._unfinished.pop(name, None)


class MemoryIngest:
    """A write under way in memory."""

    def __init__(self, blobs: MemoryBlobs, name: str, data: bytearray) -> None:
        self._blobs = blobs
        self._name = name
        self._data = data
        self._open = True
        self._committed: Digest | None = None

    @property
    def offset(self) -> int:
        """Bytes written so far, those of an earlier try included."""
        return len(self._data)

    @property
    def digest(self) -> Digest:
        """The digest of all that is written so far."""
        return Digest.of(self._data)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append."""
        self._check_open()
        self._data += data

    def commit(self, digest: Digest, size: int | None = None) -> None:
        """Make it visible. Raises: Corrupt where digest or size differ; the ingest is then gone."""
        if self._committed == digest:
            return
        self._check_open()
        actual = self.digest
        self._end(forget=True)
        if size is not None and size != len(self._data):
            raise Corrupt(
                "{digest} should have {expected} bytes and has {size}",
                digest=digest, expected=size, size=len(self._data),
            )  # fmt: skip
        if actual != digest:
            raise Corrupt("the bytes of {digest} have the digest {actual}", digest=digest, actual=actual)
        self._committed = digest
        self._blobs.keep(digest, bytes(self._data))

    def abort(self) -> None:
        """Forget it. Idempotent; does nothing after a commit."""
        self._end(forget=True)

    def __enter__(self) -> MemoryIngest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(forget=False)

    def _check_open(self) -> None:
        if not self._open:
            raise Conflict("the ingest {name} has ended", name=self._name)

    def _end(self, *, forget: bool) -> None:
        if self._open:
            self._open = False
            self._blobs.end(self._name, forget=forget)
