"""What files of a context held when they were last read: path, size, times and inode → content digest.

A file that was written in the same moment as it was looked at may change again without a trace in its times ("racy"):
what is known of it is not kept. The whole is one file a context, read and written at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from capas.errors import Exhausted

RACY_NS = 1_000_000_000
_VERSION = 1


class Signature(NamedTuple):
    """What stat(2) says of a file that changes when its content does."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Signature:
        """The signature of a file."""
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


class FileDigests:
    """The digests of one directory's files. Safe from many threads; the last process to save wins.

    Without a `path` it remembers for as long as it lives.
    """

    def __init__(self, path: Path | None, clock: Callable[[], int]) -> None:
        self._path = path
        self._now_ns = clock()  # before anything is looked at
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[int, int, int, int, str]] | None = None
        self._changed = False

    def find(self, path: bytes, signature: Signature) -> str | None:
        """The content digest in hex of the file with this signature, if it is known."""
        found = self._load().get(path)
        return found[4] if found is not None and found[:4] == signature else None

    def put(self, path: bytes, signature: Signature, digest: str) -> None:
        """This file has just been read."""
        known = self._load()
        if known.get(path) != (*signature, digest):
            known[path] = (*signature, digest)
            self._changed = True

    def save(self) -> None:
        """Write what is known, if there is news. Atomic. Raises: Exhausted for a full disk."""
        if self._path is None or not self._changed:
            return
        import msgspec

        newest = self._now_ns - RACY_NS
        kept = {path: known for path, known in self._load().items() if known[1] < newest and known[2] < newest}
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(msgspec.msgpack.encode((_VERSION, kept)))
            temporary.replace(self._path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Exhausted("cannot write {path}: {why}", path=str(self._path), why=error.strerror) from None
        self._changed = False

    def _load(self) -> dict[bytes, tuple[int, int, int, int, str]]:
        if self._known is None:
            with self._lock:
                if self._known is None:
                    self._known = self._read()
        return self._known

    def _read(self) -> dict[bytes, tuple[int, int, int, int, str]]:
        import msgspec

        if self._path is None:
            return {}
        try:
            data = self._path.read_bytes()
            version, known = msgspec.msgpack.decode(data, type=tuple[int, dict[bytes, tuple[int, int, int, int, str]]])
        except (OSError, msgspec.MsgspecError):  # not there, or written by another version: it is only a cache
            return {}
        return known if version == _VERSION else {}
