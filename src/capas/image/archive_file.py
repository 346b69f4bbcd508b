"""An archive of images on disk, looked into where it lies: nothing of it is copied, layers are read when asked for."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from capas.image.archive_members import Member, Members, digest_in, iter_pieces
from capas.image.archive_resolve import Found, resolve
from capas.layer.compression import decompress, sniff
from capas.layer.entry import Entry
from capas.layer.slice import Slice
from capas.layer.window import truncated
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID, Digest
from capas.oci.platform import Platform
from capas.store.contract import Readable
from capas.store.disk import disk_errors
from capas.store.memory import MemoryBlobs

_CHUNK = 1 << 20


@contextmanager
def opened_archive(path: Path, platform: Platform | None = None) -> Iterator[list[Found]]:
    """The images of an archive of docker, podman, skopeo or Capas, with their names, good for the block.

    A compressed archive is inflated into a file without a name first. Blobs are not verified here, but where layers'
    tables of contents are made. Raises: NotFound; Invalid for a tar that is no archive of images; Corrupt.
    """
    with disk_errors(path), path.open("rb") as file, _plain(file) as tar:
        archive = ArchiveFile(tar.fileno())
        yield resolve(archive, archive.blobs, platform)


@contextmanager
def _plain(file: BinaryIO) -> Iterator[BinaryIO]:
    kind = sniff(file.read(8))
    file.seek(0)
    if kind == "none":
        yield file
        return
    with tempfile.TemporaryFile() as inflated:
        shutil.copyfileobj(decompress(file), inflated, _CHUNK)
        inflated.flush()
        yield cast(BinaryIO, inflated)


class ArchiveFile(Members):
    """The members of the uncompressed archive `fd`, found by its headers alone. `blobs` are in it, good while it is."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self.blobs = _Blobs()
        self._tar = _Leaping(fd, 0, os.fstat(fd).st_size)
        self.take(self._tar)

    def describe_layer(self, path: str, diff_id: DiffID) -> Descriptor:
        """See `Members`. What is not compressed has the digest that the config says: whoever reads it finds out."""
        member = self.get(path)
        kind = member.sniff()
        digest = Digest(diff_id) if kind == "none" else member.digest
        self.blobs.places[digest] = member
        return Descriptor(media_type=media.layer_type(kind), digest=digest, size=member.size)

    def _hold(self, path: str, entry: Entry, body: Readable) -> Member:
        place, named = self._tar.cut(entry.offset, entry.size), digest_in(path)
        member = Member(entry.size, lambda: named or self._read(place, member), lambda: _file(place))
        if named is not None:
            self.blobs.places[named] = member
        return member

    def _read(self, place: Slice, member: Member) -> Digest:
        sha256 = hashlib.sha256()
        for piece in iter_pieces(_file(place)):
            sha256.update(piece)
        digest = Digest.of_hash(sha256)
        self.blobs.places[digest] = member
        return digest


class _Blobs(MemoryBlobs):
    """The blobs of an archive, and in memory the manifests that are made for it."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[Digest, Member] = {}

    def open(self, digest: Digest) -> BinaryIO:
        """See `MemoryBlobs`."""
        return self.places[digest].open() if digest in self.places else super().open(digest)

    def contains(self, digest: Digest) -> bool:
        """See `MemoryBlobs`."""
        return digest in self.places or super().contains(digest)

    def stat(self, digest: Digest) -> int | None:
        """See `MemoryBlobs`."""
        return self.places[digest].size if digest in self.places else super().stat(digest)


class _Leaping(Slice):
    """A tar whose bodies are passed over, not read."""

    def leap(self, size: int) -> None:
        """Go on by so much. Raises: Corrupt where the tar ends before."""
        if self.tell() + size > self.size:
            raise truncated()
        self.seek(size, os.SEEK_CUR)


def _file(place: Slice) -> BinaryIO:
    return cast(BinaryIO, place.cut(0, place.size))
