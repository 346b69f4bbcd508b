"""Blobs in an object store that several hubs share: `blobs/sha256/HEX`, each visible only when whole and verified.

A write under way is a list of pieces, `uploads/NAME/START-TOKEN`, beside marks that say the digest of all up to an
offset, `uploads/NAME/OFFSET.DIGEST`. All that is known of it is in the store, so that any process can go on with it.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from functools import partial

from capas.errors import Conflict, NotFound
from capas.hub.storage.objects_client import PART_BYTES, Object, Objects
from capas.hub.storage.objects_ingest import ObjectIngest
from capas.hub.storage.pieces import read_state
from capas.oci.digest import Digest

_BLOBS = "blobs/sha256/"
_UPLOADS = "uploads/"


class ObjectStorage:
    """The `Storage` of hubs on several machines."""

    near = False

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._held: set[str] = set()

    def check(self) -> None:
        """Ask it something. Raises: Unavailable, Denied where it cannot be used."""
        next(self._objects.list(_UPLOADS), None)

    def open(self, digest: Digest) -> io.BufferedReader:
        """The blob, fetched as it is read. Raises: NotFound, Unavailable."""
        try:
            size = self._objects.stat(_key(digest))
        except NotFound:
            raise NotFound("no such blob: {digest}", digest=digest) from None
        return io.BufferedReader(_ObjectFile(self._objects, _key(digest), size), max(1, min(size, PART_BYTES)))

    def contains(self, digest: Digest) -> bool:
        """Whether it is there."""
        return self.stat(digest) is not None

    def stat(self, digest: Digest) -> int | None:
        """Its size in bytes, None where it is not there."""
        try:
            return self._objects.stat(_key(digest))
        except NotFound:
            return None

    def place(self, digest: Digest) -> str | None:
        """An address that is good for a while, None where the hub is to send the bytes itself."""
        return self._objects.sign(_key(digest))

    def ingest(self, name: str, *, begun: bool = False) -> ObjectIngest:
        """As the contract says. Raises: NotFound, Conflict, Unavailable."""
        directory = f"{_UPLOADS}{Digest.of(name.encode()).hex}/"
        with self._lock:
            if directory in self._held:
                raise Conflict("{name} is being written by another", name=name)
            self._held.add(directory)
        release = partial(self._held.discard, directory)
        try:
            state = read_state(self._objects.list(directory))
            if begun and not state:
                raise NotFound("nobody began the write {name}", name=name)
            return ObjectIngest(self._objects, directory, state, release=release, place=_key)
        except BaseException:
            release()
            raise

    def delete(self, digest: Digest) -> None:
        """Remove it. Idempotent."""
        self._objects.delete([_key(digest)])

    def iterate(self) -> Iterator[tuple[Digest, int]]:
        """Every blob with its size."""
        for found in self._objects.list(_BLOBS):
            yield Digest("sha256:" + found.key.rpartition("/")[2]), found.size

    def delete_ingests(self, before_ns: int | None = None) -> int:
        """Remove the writes that nobody goes on with; how many there were."""
        writes: dict[str, list[Object]] = {}
        for found in self._objects.list(_UPLOADS):
            writes.setdefault(found.key.rpartition("/")[0] + "/", []).append(found)
        deleted = 0
        for directory, parts in writes.items():
            is_old = before_ns is None or all(part.modified_ns < before_ns for part in parts)
            if is_old and directory not in self._held:
                self._objects.delete([part.key for part in parts])
                deleted += 1
        return deleted


class _ObjectFile(io.RawIOBase):
    """An object as a file, a request for each read."""

    def __init__(self, objects: Objects, key: str, size: int) -> None:
        self._objects = objects
        self._key = key
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        buffer[:length] = self._objects.read(self._key, self._at, length)
        self._at += length
        return length


def _key(digest: Digest) -> str:
    return _BLOBS + Digest.parse(digest).hex
