"""An archive's members, taken in one pass: blobs into the store, documents into memory, links as words."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import NamedTuple

from capas.errors import CapasError, Corrupt
from capas.image.archive_documents import BLOBS, DOCUMENTS
from capas.layer.compression import decompress
from capas.layer.entry import FILE, HARDLINK, SYMLINK, Entry
from capas.layer.reader import iter_entries
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES
from capas.store.contract import BlobStore, Readable
from capas.store.put import fresh_ingest

_CHUNK = 1024 * 1024
_MOST_MEMBERS = 20_000
_MOST_LINKS = 8


class Member(NamedTuple):
    """A file of the archive that is now a blob."""

    digest: Digest
    size: int


class Spool:
    """What an archive holds, by path. Nothing of it is written anywhere but into the store of blobs, by digest."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._members: dict[str, Member] = {}
        self._links: dict[str, str] = {}
        self.documents: dict[str, bytes] = {}

    def fill(self, stream: Readable) -> None:
        """Take every member, to the end of the stream, compressed or not; it need not be seekable.

        Raises: Corrupt for a broken tar, a blob whose digest is not its name, a document above 4 MiB; Exhausted.
        """
        tar = decompress(stream)
        for entry, body in iter_entries(tar):
            self._take(entry, body)
        while tar.read(_CHUNK):  # whoever writes the pipe is not cut off, and a compressed stream is checked to its end
            pass

    def find(self, path: str) -> Member | None:
        """The file at a path, links followed. Raises: Corrupt for a path or link that leaves the archive."""
        clean = _clean(path)
        for _ in range(_MOST_LINKS):
            target = self._links.get(clean)
            if target is None:
                return self._members.get(clean)
            clean = target
        raise Corrupt("the archive's link {path} leads nowhere", path=path)

    def find_blob(self, digest: Digest) -> Member | None:
        """The blob under its digest, as an OCI layout has it."""
        return self._members.get(BLOBS + digest.hex)

    def _take(self, entry: Entry, body: Readable) -> None:
        path = entry.path.decode("utf-8", "surrogateescape")
        if entry.kind == SYMLINK:
            self._links[path] = _target(path, entry.target)
        elif entry.kind == HARDLINK:
            self._links[path] = _clean(entry.target.decode("utf-8", "surrogateescape"))
        elif entry.kind == FILE and path in DOCUMENTS:
            self.documents[path] = _read_document(path, body, entry.size)
        elif entry.kind == FILE and _may_be_needed(path):
            self._forget(path)
            self._members[path] = self._ingest(path, body, entry.size)
        if len(self._members) + len(self._links) > _MOST_MEMBERS:
            raise Corrupt("the archive has more than {limit} members: no archive of images", limit=_MOST_MEMBERS)

    def _forget(self, path: str) -> None:
        self._links.pop(path, None)  # the last member of a name is the one that counts

    def _ingest(self, path: str, body: Readable, size: int) -> Member:
        named = _digest_in(path)
        if named is not None and self._blobs.stat(named) == size:
            return Member(named, size)
        with fresh_ingest(self._blobs, f"load+{os.getpid()}+{threading.get_ident()}") as ingest:
            try:
                for piece in _pieces(body):
                    ingest.write(piece)
                digest = named or ingest.digest
                ingest.commit(digest, size)
            except BaseException:
                ingest.abort()
                raise
        return Member(digest, size)


def _read_document(path: str, body: Readable, size: int) -> bytes:
    if size > MAX_BYTES:
        raise Corrupt("{path} in the archive has {size} bytes: at most {limit}", path=path, size=size, limit=MAX_BYTES)
    return b"".join(_pieces(body))


def _pieces(body: Readable) -> Iterator[bytes]:
    while piece := body.read(_CHUNK):
        yield piece


def _may_be_needed(path: str) -> bool:
    """Whether the member may be a config or layer; the rest (`VERSION`, an old layer's `json`) is passed over."""
    return path.startswith(BLOBS) or path.endswith((".json", ".tar", ".tar.gz"))


def _digest_in(path: str) -> Digest | None:
    """The digest that an OCI layout's path promises. Raises: Corrupt for a name that is none."""
    if not path.startswith(BLOBS):
        return None
    try:
        return Digest.parse("sha256:" + path.removeprefix(BLOBS))
    except CapasError:
        raise Corrupt("the archive's member {path!r} is not named by a digest", path=path[:200]) from None


def _target(path: str, target: bytes) -> str:
    text = target.decode("utf-8", "surrogateescape")
    if text.startswith("/"):
        raise Corrupt("the archive's link {path!r} leaves the archive", path=path[:200])
    return _clean(path.rpartition("/")[0] + "/" + text)


def _clean(path: str) -> str:
    """A path inside the archive without dots. Raises: Corrupt for one that leaves it."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and not parts:
            raise Corrupt("the archive names a file outside itself: {path!r}", path=path[:200])
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
