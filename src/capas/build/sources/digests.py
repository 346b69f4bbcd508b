"""What files of a context held when they were last read, by what stat(2) says of them: size, times and inode.

A file that was written in the same moment as it was looked at may change again without a trace in its times ("racy"):
what is known of it is not kept. The whole is one file a context. Its first part, the keys of whole folders, is all that
an unchanged build needs; the digests of single files are not even decoded then.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from capas.errors import Exhausted
from capas.typed import from_msgpack

RACY_NS = 1_000_000_000
_VERSION = 2
_MOST_KEYS = 500

Signature = tuple[int, int, int, int]
"""size, mtime_ns, ctime_ns, inode: what changes when a file's content does."""
_Digests = dict[bytes, tuple[int, int, int, int, str]]
_FORM: type[tuple[int, dict[bytes, str], msgspec.Raw]] = tuple[int, dict[bytes, str], msgspec.Raw]


def signature_of(status: os.stat_result) -> Signature:
    """The signature of a file."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class FileDigests:
    """The digests of one directory's files. Safe from many threads; the last process to save wins.

    Without a `path` it remembers for as long as it lives.
    """

    def __init__(self, path: Path | None, clock: Callable[[], int]) -> None:
        self._path = path
        self._newest_ns = clock() - RACY_NS  # before anything is looked at
        self._lock = threading.RLock()
        self._keys: dict[bytes, str] | None = None
        self._raw = msgspec.Raw(b"\x80")  # an empty map
        self._digests: _Digests | None = None
        self._changed = False

    def find(self, path: bytes, signature: Signature) -> str | None:
        """The content digest in hex of the file with this signature, if it is known."""
        found = self._load_digests().get(path)
        return found[4] if found is not None and found[:4] == signature else None

    def put(self, path: bytes, signature: Signature, digest: str) -> None:
        """This file has just been read."""
        digests = self._load_digests()
        known = (*signature, digest)
        if digests.get(path) != known:
            digests[path] = known
            self._changed |= self._is_settled(known)

    def find_key(self, name: bytes) -> str | None:
        """What `put_key` was told under this name."""
        return self._load_keys().get(name)

    def put_key(self, name: bytes, key: str, newest_ns: int) -> None:
        """The key of files whose signatures the name is made of; `newest_ns` is the latest time in them."""
        if newest_ns < self._newest_ns:
            self._load_keys()[name] = key
            self._changed = True

    def save(self, is_there: Callable[[bytes], bool] = lambda path: True) -> None:
        """Write what is known of files that are there, if there is news. Atomic. Raises: Exhausted for a full disk."""
        if self._path is None or not self._changed:
            return
        keys = dict(list(self._load_keys().items())[-_MOST_KEYS:])
        raw = self._raw
        if self._digests is not None:
            raw = msgspec.Raw(_pack(self._kept(self._digests, is_there)))
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_pack((_VERSION, keys, raw)))
            temporary.replace(self._path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Exhausted("cannot write {path}: {why}", path=str(self._path), why=error.strerror) from None
        self._changed = False

    def _kept(self, digests: _Digests, is_there: Callable[[bytes], bool]) -> _Digests:
        return {path: known for path, known in digests.items() if self._is_settled(known) and is_there(path)}

    def _is_settled(self, known: tuple[int, int, int, int, str]) -> bool:
        """Whether the file was last written so long before it was looked at that it could not change unseen."""
        return known[1] < self._newest_ns and known[2] < self._newest_ns

    def _load_keys(self) -> dict[bytes, str]:
        with self._lock:
            if self._keys is None:
                self._keys, self._raw = self._read()
            return self._keys

    def _load_digests(self) -> _Digests:
        if self._digests is None:
            with self._lock:
                self._load_keys()
                if self._digests is None:
                    self._digests = self._decode()
        return self._digests

    def _read(self) -> tuple[dict[bytes, str], msgspec.Raw]:
        if self._path is not None:
            try:
                version, keys, raw = from_msgpack(self._path.read_bytes(), _FORM)
            except (OSError, msgspec.MsgspecError):  # not there, or written by another version: it is only a cache
                version = 0
            if version == _VERSION:
                return keys, raw
        return {}, self._raw

    def _decode(self) -> _Digests:
        try:
            return from_msgpack(self._raw, _Digests)
        except msgspec.MsgspecError:
            return {}


def _pack(value: object) -> bytes:
    return msgspec.msgpack.encode(value)
