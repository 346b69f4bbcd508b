"""Blobs in a directory: `blobs/sha256/<hex>`, each visible only when whole and on disk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from capas.errors import Conflict, NotFound
from capas.oci.digest import Digest
from capas.store.disk import disk_errors, make_dirs, sync_dir, unlink
from capas.store.ingest import DirectoryIngest
from capas.store.lock import lock_new_file, try_lock

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9_@+=,-]|^[.]")
_LONGEST = 200


class DirectoryBlobs:
    """A `BlobStore` in `root`, shared by any number of threads and processes.

    A blob is written under `root/ingest/` and renamed to `root/blobs/sha256/<hex>`, so that whoever sees it sees all
    of it. The ingest's file is locked while it is written: a second writer of the same name gets Conflict, a killed
    writer's file is taken over by the next.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"
        self._ingests = root / "ingest"

    def path(self, digest: Digest) -> Path:
        """Where the blob is, or would be. Raises: Invalid for a string that is no digest."""
        return self._blobs / Digest.parse(digest).hex

    def open(self, digest: Digest) -> BinaryIO:
        """The blob from its first byte. Raises: NotFound."""
        try:
            return open(self.path(digest), "rb")
        except FileNotFoundError:
            raise NotFound("no such blob: {digest}", digest=digest) from None

    def contains(self, digest: Digest) -> bool:
        """Whether it is here."""
        return self.stat(digest) is not None

    def stat(self, digest: Digest) -> int | None:
        """Its size in bytes, None where it is not here."""
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            return None

    def ingest(self, name: str) -> DirectoryIngest:
        """Begin or resume the write called `name`: what an earlier try left is hashed again and kept.

        Raises: Conflict while another holds it; Exhausted.
        """
        path = self._ingests / _file_name(name)
        with disk_errors(path):
            try:
                fd = lock_new_file(path)
            except FileNotFoundError:
                make_dirs(self._blobs)
                make_dirs(self._ingests)
                fd = lock_new_file(path)
        if fd is None:
            raise Conflict("{name} is being written by another", name=name, hint="wait for it to end and try again")
        return DirectoryIngest(fd, path, self.path)

    def open_ingest(self, name: str) -> BinaryIO | None:
        """What another has written so far under this name, to be read while it grows; None where nobody writes it."""
        try:
            return open(self._ingests / _file_name(name), "rb")
        except FileNotFoundError:
            return None

    def is_busy(self, name: str) -> bool:
        """Whether somebody holds the write called `name` now."""
        file = self.open_ingest(name)
        if file is None:
            return False
        with file:
            return not try_lock(file.fileno())

    def has_ingest(self, name: str) -> bool:
        """Whether there is something of the write called `name` to resume."""
        return (self._ingests / _file_name(name)).exists()

    def delete(self, digest: Digest) -> None:
        """Remove it. Idempotent."""
        with disk_errors(self._blobs):
            unlink(self.path(digest))

    def iterate(self) -> Iterator[tuple[Digest, int]]:
        """Every blob with its size, in no order. A blob deleted meanwhile may or may not be among them."""
        for entry in _scan(self._blobs):
            if _HEX.fullmatch(entry.name):
                try:
                    yield Digest("sha256:" + entry.name), entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue

    def delete_ingests(self, before_ns: int | None = None, *, prefix: str = "") -> int:
        """Remove what writers left unfinished under names that begin so; how many there were.

        Only what nobody wrote to since `before_ns`; None for all that nobody writes to now.
        """
        deleted = 0
        beginning = _escape(prefix)
        for entry in _scan(self._ingests):
            if not entry.name.startswith(beginning):
                continue
            path = self._ingests / entry.name
            fd = _lock_stale(path, before_ns)
            if fd is not None:
                unlink(path)
                os.close(fd)
                deleted += 1
        return deleted

    def set_aside(self, digests: list[Digest], trash: Path) -> None:
        """Move blobs into `trash`, out of sight at once: deleting large files takes a while."""
        if not digests:
            return
        make_dirs(trash)
        for digest in digests:
            try:
                os.rename(self.path(digest), trash / digest.hex)
            except FileNotFoundError:
                continue
        sync_dir(self._blobs)


def _escape(name: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02x}" for byte in match[0].encode()), name)


def _file_name(name: str) -> str:
    escaped = _escape(name)
    return escaped if 0 < len(escaped) <= _LONGEST else "long%" + Digest.of(name.encode()).hex


def _scan(path: Path) -> Iterator[os.DirEntry[str]]:
    try:
        entries = os.scandir(path)
    except FileNotFoundError:
        return
    with entries:
        yield from entries


def _lock_stale(path: Path, before_ns: int | None) -> int | None:
    try:
        if before_ns is not None and os.stat(path).st_mtime_ns >= before_ns:
            return None
    except FileNotFoundError:
        return None
    fd = lock_new_file(path)
    if fd is not None and before_ns is not None and os.fstat(fd).st_mtime_ns >= before_ns:
        os.close(fd)
        return None
    return fd
