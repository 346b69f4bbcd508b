"""The table of contents of a layer: its entries, where in the tar their bodies are, and what is in these."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from capas.errors import Corrupt, Unsupported
from capas.layer.body import Body
from capas.layer.entry import FILE, Entry
from capas.layer.inflate import ZSTD_MAGIC
from capas.layer.reader import iter_entries
from capas.layer.section import stored_size
from capas.store.contract import Readable
from capas.typed import from_msgpack

_FIRST_VERSION, _VERSION = 1, 2  # the first was not compressed
_WIDTH = 32  # bytes of a SHA-256
UNKNOWN = bytes(_WIDTH)
_MOST_HOLES = 1 << 30
"""Bytes of holes that are hashed with a sparse file: a map may claim exabytes of them at no cost."""


class Contents(NamedTuple):
    """The entries of a layer in tar order, whiteouts among them.

    `sums` are the SHA-256 of the regular files in their order, one after another; nothing where they were not read.
    """

    entries: Sequence[Entry]
    sums: bytes = b""

    def list_sums(self) -> list[bytes]:
        """The SHA-256 of each regular file, in their order, `UNKNOWN` for one of endless holes."""
        return [self.sums[at : at + _WIDTH] for at in range(0, len(self.sums), _WIDTH)]

    def digests(self) -> Mapping[int, bytes]:
        """What each regular file holds: its SHA-256 by its entry's `offset`, `UNKNOWN` for one of endless holes."""
        offsets = [entry.offset for entry in self.entries if entry.kind == FILE]
        return dict(zip(offsets, self.list_sums(), strict=False))

    @property
    def is_digested(self) -> bool:
        """Whether it tells what the files hold."""
        return bool(self.sums) or not any(entry.kind == FILE for entry in self.entries)

    def dump(self) -> bytes:
        """As bytes to be kept: reading them is far quicker than reading the tar again."""
        import zstandard

        plain = msgspec.msgpack.encode((_VERSION, self.entries, self.sums), enc_hook=dict)  # NO_XATTRS is a view
        return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(plain)

    @classmethod
    def load(cls, data: bytes) -> Contents:
        """What `dump` gave. Raises: Corrupt for damage; Unsupported for another version's bytes: make them again."""
        import zstandard

        if not data.startswith(ZSTD_MAGIC):
            raise Unsupported("the table of contents is of version {version}", version=_FIRST_VERSION)
        try:
            with uncollected():
                plain = zstandard.decompress(data)
                version, entries, sums = from_msgpack(plain, tuple[int, list[Entry], bytes])
        except (zstandard.ZstdError, msgspec.MsgspecError, RecursionError) as error:
            raise Corrupt("the table of contents cannot be read: {error}", error=str(error)) from None
        if version != _VERSION:
            raise Unsupported("the table of contents is of version {version}", version=version)
        return cls(entries, sums)


def read_contents(tar: Readable, *, digested: bool = False) -> Contents:
    """The table of contents of an uncompressed tar, read to its end, `digested` with the files' sums.

    Raises: Corrupt.
    """
    if not digested:
        return Contents([entry for entry, _ in iter_entries(tar)])
    entries, sums = [], []
    for entry, body in iter_entries(tar):
        entries.append(entry)
        if entry.kind == FILE:
            sums.append(_digest(entry, body))
    return Contents(entries, b"".join(sums))


def _digest(entry: Entry, body: Body) -> bytes:
    whole = body.whole()
    if whole is not None:
        return hashlib.sha256(whole).digest()
    if entry.size - stored_size(entry) > _MOST_HOLES:
        return UNKNOWN
    sha256 = hashlib.sha256()
    while data := body.read(1 << 20):
        sha256.update(data)
    return sha256.digest()


@contextmanager
def uncollected() -> Iterator[None]:
    """A block that makes many objects and no rubbish: looking for rubbish would take longer than all the rest."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
