"""The table of contents of a layer: its entries, where in the tar their bodies are, and what is in these."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from capas.layer.body import Body
from capas.layer.columns import Columns, to_columns
from capas.layer.entry import FILE, Entry
from capas.layer.reader import iter_entries
from capas.layer.section import stored_size
from capas.store.contract import Readable

_WIDTH = 32  # bytes of a SHA-256
UNKNOWN = bytes(_WIDTH)
_MOST_HOLES = 1 << 30
"""Bytes of holes that are hashed with a sparse file: a map may claim exabytes of them at no cost."""


class Contents:
    """The entries of a layer in tar order, whiteouts among them.

    `sums` are what they hold, one after another: the SHA-256 of a regular file, `UNKNOWN` of anything else and of
    endless holes; nothing where the files were not read.
    """

    def __init__(self, columns: Columns, sums: bytes = b"", entries: Sequence[Entry] | None = None) -> None:
        self.columns = columns
        self.sums = sums
        self._entries = entries

    @classmethod
    def of(cls, entries: Sequence[Entry], sums: bytes = b"") -> Contents:
        """The table of these entries."""
        return cls(to_columns(entries), sums, entries)

    @property
    def entries(self) -> Sequence[Entry]:
        """All of them, made anew where they are kept as columns: who needs few of them, or a field, asks for that."""
        if self._entries is not None:
            return self._entries
        return list(map(self.columns.entry, range(len(self.columns.kinds)), self.columns.iter_paths()))

    def entry(self, row: int, path: bytes) -> Entry:
        """The entry of a row, as if it stood at this path."""
        if self._entries is None:
            return self.columns.entry(row, path)
        entry = self._entries[row]
        return entry if entry.path == path else entry._replace(path=path)

    def sum(self, row: int) -> bytes:
        """What an entry holds: its SHA-256, or `UNKNOWN`."""
        return self.sums[row * _WIDTH : (row + 1) * _WIDTH] or UNKNOWN

    def list_sums(self) -> list[bytes]:
        """What each entry holds."""
        sums = self.sums or UNKNOWN * len(self.columns.kinds)
        return [sums[at : at + _WIDTH] for at in range(0, len(sums), _WIDTH)]

    @property
    def is_digested(self) -> bool:
        """Whether it tells what the files hold."""
        return bool(self.sums) or FILE not in self.columns.kinds

    def dump(self) -> bytes:
        """As bytes to be kept: reading them is far quicker than reading the tar again."""
        from capas.layer.kept import dump_table

        return dump_table(self.columns, self.sums)

    @classmethod
    def load(cls, data: bytes) -> Contents:
        """What `dump` gave. Raises: Corrupt for damage; Unsupported for another version's bytes: make them again."""
        from capas.layer.kept import load_table

        return cls(*load_table(data))


def read_contents(tar: Readable, *, digested: bool = False) -> Contents:
    """The table of contents of an uncompressed tar, read to its end, `digested` with the files' sums.

    Raises: Corrupt.
    """
    if not digested:
        return Contents.of([entry for entry, _ in iter_entries(tar)])
    entries, sums = [], []
    for entry, body in iter_entries(tar):
        entries.append(entry)
        sums.append(_digest(entry, body) if entry.kind == FILE else UNKNOWN)
    return Contents.of(entries, b"".join(sums))


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
