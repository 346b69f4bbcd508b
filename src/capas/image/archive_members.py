"""What an archive of images holds, by path: documents in memory, links as words, blobs by digest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import BinaryIO

from capas.errors import CapasError, Corrupt
from capas.image.archive_documents import BLOBS, DOCUMENTS
from capas.layer.compression import Kind, sniff
from capas.layer.entry import FILE, HARDLINK, SYMLINK, Entry
from capas.layer.reader import iter_entries
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID, Digest
from capas.oci.document import MAX_BYTES
from capas.store.contract import Readable

_CHUNK = 1024 * 1024
_MOST_MEMBERS = 20_000
_MOST_LINKS = 8


class Member:
    """A file of the archive that is a blob. Its digest is worked out when somebody asks for it."""

    def __init__(self, size: int, find_digest: Callable[[], Digest], open: Callable[[], BinaryIO]) -> None:
        self.size = size
        self.open = open
        self._find_digest = find_digest

    @cached_property
    def digest(self) -> Digest:
        """The digest of its bytes; in an OCI layout the one that its path promises."""
        return self._find_digest()

    def sniff(self) -> Kind:
        """The compression that its first bytes tell. Raises: Unsupported."""
        with self.open() as file:
            return sniff(file.read(8))


class Members(ABC):
    """An archive's members, taken in one pass."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._links: dict[str, str] = {}
        self.documents: dict[str, bytes] = {}

    @abstractmethod
    def describe_layer(self, path: str, diff_id: DiffID) -> Descriptor:
        """The layer that docker's `manifest.json` says is at this path. Raises: Corrupt."""

    @abstractmethod
    def _hold(self, path: str, entry: Entry, body: Readable) -> Member:
        """A member that may be a blob."""

    def take(self, tar: Readable) -> None:
        """Every member of an uncompressed tar. Raises: Corrupt, also for a document above 4 MiB."""
        for entry, body in iter_entries(tar):
            self._take(entry, body)

    def get(self, path: str) -> Member:
        """As `find`. Raises: Corrupt for a file that `manifest.json` names and the archive has not."""
        member = self.find(path)
        if member is None:
            raise Corrupt("the archive lacks {path!r}, which its manifest.json names", path=path[:200])
        return member

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
            self._members[path] = self._hold(path, entry, body)
        if len(self._members) + len(self._links) > _MOST_MEMBERS:
            raise Corrupt("the archive has more than {limit} members: no archive of images", limit=_MOST_MEMBERS)

    def _forget(self, path: str) -> None:
        self._links.pop(path, None)  # the last member of a name is the one that counts


def _read_document(path: str, body: Readable, size: int) -> bytes:
    if size > MAX_BYTES:
        raise Corrupt("{path} in the archive has {size} bytes: at most {limit}", path=path, size=size, limit=MAX_BYTES)
    return b"".join(iter_pieces(body))


def iter_pieces(body: Readable) -> Iterator[bytes]:
    """A body, piece by piece."""
    while piece := body.read(_CHUNK):
        yield piece


def _may_be_needed(path: str) -> bool:
    """Whether the member may be a config or layer; the rest (`VERSION`, an old layer's `json`) is passed over."""
    return path.startswith(BLOBS) or path.endswith((".json", ".tar", ".tar.gz"))


def digest_in(path: str) -> Digest | None:
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
