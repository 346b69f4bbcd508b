"""What a place of the hub's blobs promises: a store of blobs, and what serving them over HTTP needs besides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from capas.oci.digest import Digest
from capas.store.contract import Ingest


class Upload(Ingest, Protocol):
    """A write under way that another process, or another machine, may go on with."""

    def close(self) -> None:
        """Let go of it. What is written is safe, and even one that is empty can be gone on with."""


class Storage(Protocol):
    """A `BlobStore` whose writes can be resumed wherever the storage is reached. Safe from any thread."""

    @property
    def near(self) -> bool:
        """Whether its blobs are files of this machine: a look at one costs nothing."""

    def open(self, digest: Digest) -> BinaryIO:
        """The blob from its first byte, seekable. Raises: NotFound."""

    def contains(self, digest: Digest) -> bool:
        """Whether `open` would find it."""

    def stat(self, digest: Digest) -> int | None:
        """Its size in bytes, None where it is not here."""

    def place(self, digest: Digest) -> Path | str | None:
        """Where the whole blob is: a file of this machine, an address for the client, or None: `open` alone has it."""

    def ingest(self, name: str, *, begun: bool = False) -> Upload:
        """Begin the write called `name`, or go on with it. `begun`: only where somebody began it.

        Raises: NotFound where nobody did; Conflict while another request of this process, or machine, holds it.
        """

    def delete(self, digest: Digest) -> None:
        """Remove it. Idempotent."""

    def iterate(self) -> Iterator[tuple[Digest, int]]:
        """Every blob with its size, in no order."""

    def delete_ingests(self, before_ns: int | None = None) -> int:
        """Remove the unfinished writes that nobody wrote to since then, or all that nobody holds; how many."""
