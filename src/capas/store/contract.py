"""What a place of blobs promises.

`BlobSource` only reads; `BlobStore` keeps. A function that only reads asks for a `BlobSource`: the local store, a
remote repository, an OCI layout, an archive or memory will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Protocol

from capas.oci.digest import Digest


class Readable(Protocol):
    """A stream of bytes read forward, once."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; empty at the end only."""


class BlobSource(Protocol):
    """Blobs to be read by digest."""

    def open(self, digest: Digest) -> BinaryIO:
        """The blob from its first byte, to be closed by the caller. Raises: NotFound."""

    def contains(self, digest: Digest) -> bool:
        """Whether `open` would find it."""


class Ingest(Protocol):
    """A write under way. Leaving its block without a commit keeps what is written, for the same name to resume."""

    @property
    def offset(self) -> int:
        """Bytes already safe from an earlier try and hashed again; the next write goes here."""

    @property
    def digest(self) -> Digest:
        """The digest of all that is written so far, for a writer who learns it only at the end."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises: Exhausted for a full disk; the ingest is then gone."""

    def commit(self, digest: Digest, size: int | None = None) -> None:
        """Make it visible. Atomic and idempotent: afterwards the blob is whole and on disk, whoever brought it.

        Raises: Corrupt where digest or size differ; the ingest is then gone and nothing is visible.
        """

    def abort(self) -> None:
        """Forget it. Idempotent."""

    def __enter__(self) -> Ingest: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BlobStore(BlobSource, Protocol):
    """Blobs kept, each once, whatever image or process brings them."""

    def stat(self, digest: Digest) -> int | None:
        """Its size in bytes, None where it is not here."""

    def ingest(self, name: str) -> Ingest:
        """Begin or resume the write called `name` (a digest does well). Raises: Conflict while another holds it."""

    def delete(self, digest: Digest) -> None:
        """Remove it. Idempotent."""

    def iterate(self) -> Iterator[tuple[Digest, int]]:
        """Every blob with its size, in no order."""
