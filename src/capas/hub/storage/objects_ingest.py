"""A write under way in an object store.

What fits into one part waits in memory and becomes the blob in one request. More of it streams to a piece; the blob
is then a copy of that piece, made within the store. Only a write in several pieces (a client that sends chunks)
is read back and written as one; so is one whose digest nobody knows, and it is verified on that way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType

from capas import chance
from capas.errors import CapasError, Conflict, Corrupt
from capas.hub.storage.objects_client import PART_BYTES, Objects, Writer
from capas.hub.storage.pieces import Piece, State, mark_key, piece_key
from capas.oci.digest import Digest

_MOST_COPIED = 5 * 1024**3  # bytes that S3 copies in one request


class ObjectIngest:
    """The write whose objects are under `directory`. Used by one thread at a time; `release` ends our hold on it."""

    def __init__(
        self,
        objects: Objects,
        directory: str,
        state: State | None,
        *,
        release: Callable[[], None],
        place: Callable[[Digest], str],
    ) -> None:
        self._objects = objects
        self._directory = directory
        self._release = release
        self._place = place
        self._pieces = list(state.pieces) if state else []
        self._offset = state.offset if state else 0
        self._sha256 = hashlib.sha256() if self._offset == 0 else None
        self._noted = state.digest if state else None
        self._is_noted = state is not None
        self._keys = list(state.keys) if state else []  # what is there of it, and goes with it
        self._waiting = bytearray()
        self._writer: Writer | None = None
        self._key = ""
        self._open = True
        self._committed: Digest | None = None

    @property
    def offset(self) -> int:
        """Bytes written so far, those of an earlier try included."""
        return self._offset

    @property
    def digest(self) -> Digest:
        """The digest of all that is written so far; read back where another process wrote it."""
        if self._sha256 is None and self._noted is None:
            self._sha256 = hashlib.sha256()
            for data in self._read_back():
                self._sha256.update(data)
            self._sha256.update(self._waiting)
        return Digest.of_hash(self._sha256) if self._sha256 else self._noted  # type: ignore[return-value]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises: Unavailable."""
        self._check_open()
        if self._sha256 is not None:
            self._sha256.update(data)
        self._noted, self._is_noted = None, False
        self._offset += len(data)
        if self._writer is None and len(self._waiting) + len(data) <= PART_BYTES:
            self._waiting += data
            return
        if self._writer is None:
            self._key = self._new_key(self._offset - len(data) - len(self._waiting))
            self._writer = self._objects.write(self._key)
            self._writer.write(bytes(self._waiting))
            self._waiting.clear()
        self._writer.write(data)

    def commit(self, digest: Digest, size: int | None = None) -> None:
        """Make it visible, verified.

        Raises: Corrupt where digest or size differ: the write is then gone; Unavailable.
        """
        if self._committed == digest:
            return
        self._check_open()
        if size is not None and size != self._offset:
            self.abort()
            raise Corrupt(
                "{digest} should have {expected} bytes and has {size}", digest=digest, expected=size, size=self._offset
            )
        is_known = self._sha256 is not None or self._noted is not None
        if is_known:
            self._verify(digest, self.digest)
        if is_known and not self._pieces and self._writer is None:
            self._objects.put(self._place(digest), self._waiting)
        else:
            self._finish_piece()
            if is_known and len(self._pieces) == 1 and self._offset <= _MOST_COPIED:
                self._objects.copy(self._pieces[0].key, self._place(digest))
            else:
                self._join(digest)
        self._committed = digest
        self._clean_up()
        self._end()

    def close(self) -> None:
        """Let go of it: any process may go on with it. Raises: Unavailable: what this request wrote is lost."""
        if not self._open:
            return
        try:
            self._finish_piece()
            if self._sha256 is not None and not self._is_noted:
                self._objects.put(mark_key(self._directory, self._offset, self.digest), b"")
        finally:
            self._end()

    def abort(self) -> None:
        """Forget it. Idempotent; does nothing after a commit."""
        if self._open:
            self._clean_up()
            self._end()

    def __enter__(self) -> ObjectIngest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._offset == 0:
            self.abort()
        self.close()

    def _finish_piece(self) -> None:
        """What was written is an object of its own."""
        start = self._pieces[-1].end if self._pieces else 0
        if self._writer is not None:
            self._writer.close()
        elif self._waiting:
            self._key = self._new_key(start)
            self._objects.put(self._key, self._waiting)
        else:
            return
        self._writer = None
        self._waiting.clear()
        self._pieces.append(Piece(start, self._offset - start, self._key))

    def _join(self, digest: Digest) -> None:
        """One object of several, verified while it is written."""
        joined, seen = self._objects.write(self._place(digest)), hashlib.sha256()
        for data in self._read_back():
            seen.update(data)
            joined.write(data)
        self._verify(digest, Digest.of_hash(seen))
        joined.close()

    def _read_back(self) -> Iterator[bytes]:
        for piece in self._pieces:
            for start in range(0, piece.size, PART_BYTES):
                yield self._objects.read(piece.key, start, min(PART_BYTES, piece.size - start))

    def _verify(self, digest: Digest, actual: Digest) -> None:
        if actual != digest:
            self.abort()
            raise Corrupt("the bytes of {digest} have the digest {actual}", digest=digest, actual=actual)

    def _clean_up(self) -> None:
        """The pieces go. What stays because the store does not answer is dropped with the writes that are given up."""
        writer, self._writer = self._writer, None
        if writer is not None:  # closed, so that none of its parts stay where no list shows them
            with suppress(CapasError):
                writer.close()
        if self._keys:
            with suppress(CapasError):
                self._objects.delete(self._keys)

    def _new_key(self, start: int) -> str:
        self._keys.append(piece_key(self._directory, start, chance.token()[:16]))
        return self._keys[-1]

    def _check_open(self) -> None:
        if not self._open:
            raise Conflict("the ingest {name} has ended", name=self._directory)

    def _end(self) -> None:
        if self._open:
            self._open = False
            self._release()
