"""A write under way in a directory of blobs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from capas.errors import Conflict, Corrupt
from capas.oci.digest import Digest
from capas.store.disk import Writeback, disk_error, sync_dir, unlink

_CHUNK = 1024 * 1024


class DirectoryIngest:
    """The locked file `fd`, at `path` until it is committed to where `place` says. Used by one thread at a time."""

    def __init__(self, fd: int, path: Path, place: Callable[[Digest], Path]) -> None:
        self._fd = fd
        self._path = path
        self._place = place
        self._sha256 = hashlib.sha256()
        self._offset = 0
        self._committed: Digest | None = None
        self._writeback = Writeback(fd)
        try:
            self._hash_again()
        except BaseException:
            self._close()
            raise

    @property
    def offset(self) -> int:
        """Bytes written so far, those of an earlier try included."""
        return self._offset

    @property
    def digest(self) -> Digest:
        """The digest of all that is written so far."""
        return Digest.of_hash(self._sha256)

    def fileno(self) -> int:
        """The file's descriptor: a duplicate of it reads what is written so far, and goes on to after the commit."""
        return self._fd

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises: Exhausted for a full disk: the ingest is then gone, so that its bytes do not fill it."""
        self._check_open()
        view = memoryview(data).cast("B")
        done = 0
        try:
            while done < len(view):
                done += os.write(self._fd, view[done:])
        except OSError as error:
            self.abort()
            raise disk_error(error, self._path) from error
        self._sha256.update(view)
        self._offset += len(view)
        self._writeback.wrote(self._offset)

    def commit(self, digest: Digest, size: int | None = None) -> None:
        """Make it visible as `digest`. A blob of that name that is there already, whole or not, is replaced.

        Atomic: a crash at any point leaves the ingest or the whole blob.
        Raises: Corrupt where digest or size differ; Exhausted. The ingest is then gone.
        """
        if self._committed == digest:
            return
        self._check_open()
        self._verify(digest, size)
        place = self._place(digest)
        try:
            os.fchmod(self._fd, 0o444)
            os.fsync(self._fd)
            os.rename(self._path, place)
            self._committed = digest
            sync_dir(place.parent)
        except OSError as error:
            self.abort()
            raise disk_error(error, place) from error
        self._close()

    def abort(self) -> None:
        """Forget it. Idempotent; does nothing after a commit."""
        if self._fd >= 0 and self._committed is None:
            unlink(self._path)  # before the lock is let go of: nobody resumes what is forgotten
        self._close()

    def close(self) -> None:
        """Let go of it: the same name resumes it, even where nothing is written yet. Idempotent."""
        self._close()

    def __enter__(self) -> DirectoryIngest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd >= 0 and self._offset == 0:
            self.abort()  # an empty file is nothing to resume
        self._close()

    def _verify(self, digest: Digest, size: int | None) -> None:
        if size is not None and size != self._offset:
            self.abort()
            raise Corrupt(
                "{digest} should have {expected} bytes and has {size}", digest=digest, expected=size, size=self._offset
            )
        if self.digest != digest:
            self.abort()
            raise Corrupt("the bytes of {digest} have the digest {actual}", digest=digest, actual=self.digest)

    def _hash_again(self) -> None:
        if not os.fstat(self._fd).st_size:
            return  # most begin here: no buffer to be made for nothing
        buffer = bytearray(_CHUNK)
        view = memoryview(buffer)
        while count := os.readv(self._fd, [buffer]):
            self._sha256.update(view[:count])
            self._offset += count

    def _check_open(self) -> None:
        if self._fd < 0:
            raise Conflict("the ingest {name} has ended", name=self._path.name)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
