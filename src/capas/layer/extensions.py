"""What extended headers say of the entry that follows them, and of all that follow."""

from __future__ import annotations

from capas.errors import Corrupt, Exhausted
from capas.layer import pax
from capas.layer.header import BLOCK, Header, checked_id

KINDS = b"xgLKX"
"""Type flags of extended headers: POSIX's for one entry and for all, GNU's long name and target, Solaris'."""

_SIZES = frozenset((b"size", b"GNU.sparse.map", b"GNU.sparse.size", b"GNU.sparse.realsize", b"GNU.sparse.major"))
_SECOND = 1_000_000_000


class Extensions:
    """The records that hold for all entries, and those for the next one. `pending` while there are any of these."""

    def __init__(self, limit: int) -> None:
        """`limit` is for the bytes of one entry's extended headers, and of the global records."""
        self._limit = limit
        self._globals: pax.Records = {}
        self._clear()

    def _clear(self) -> None:
        self._records: pax.Records | None = None
        self._names: pax.Records = {}
        self._size = 0
        self.pending = bool(self._globals)

    @property
    def unfinished(self) -> bool:
        """Whether an extended header waits for its entry."""
        return self._size > 0

    def check_size(self, size: int) -> None:
        """See that a header of this size may be read. Raises: Corrupt; Exhausted."""
        if size < 0:
            raise Corrupt("malformed tar stream: negative size")
        self._size += size + BLOCK
        if self._size > self._limit + BLOCK:
            raise Exhausted("an extended header is larger than {limit} bytes", limit=self._limit)
        self.pending = True

    def add(self, kind: bytes, data: bytes) -> None:
        """Take the body of an extended header. Raises: Corrupt; where readers would not agree, also."""
        if kind in b"LK":
            key = b"path" if kind == b"L" else b"linkpath"
            if key in self._names:
                raise Corrupt("malformed tar stream: two long names for one entry")
            self._names[key] = data.partition(b"\0")[0]
        elif kind == b"g":
            self._add_globals(pax.parse_records(data))
        elif self._records is not None:
            raise Corrupt("malformed tar stream: two extended headers for one entry")
        else:
            self._records = pax.parse_records(data)

    def _add_globals(self, records: pax.Records) -> None:
        if self._records is not None or self._names:
            raise Corrupt("malformed tar stream: a global header between an entry and its own")
        if not _SIZES.isdisjoint(records):
            raise Corrupt("malformed tar stream: a global header that sets sizes")
        self._globals = {key: value for key, value in {**self._globals, **records}.items() if value}
        if sum(len(key) + len(value) for key, value in self._globals.items()) > self._limit:
            raise Exhausted("an extended header is larger than {limit} bytes", limit=self._limit)
        self._clear()

    def take(self, header: Header) -> tuple[Header, int, pax.Records]:
        """The header of the next entry as its records have it, its time, and the records. Units: time in nanoseconds.

        Raises: Corrupt.
        """
        records = {**self._globals, **(self._records or {})}
        if self._names and (b"path" in records or b"linkpath" in records):
            raise Corrupt("malformed tar stream: one entry with names of two kinds")
        records.update(self._names)
        self._clear()
        records = {key: value for key, value in records.items() if value or b".xattr." in key}
        return *_overridden(header, records), records


def _overridden(header: Header, records: pax.Records) -> tuple[Header, int]:
    find = records.get
    size, uid, gid, mtime = find(b"size"), find(b"uid"), find(b"gid"), find(b"mtime")
    changed = header._replace(
        name=find(b"GNU.sparse.name") or find(b"path") or header.name,
        target=find(b"linkpath") or header.target,
        size=header.size if size is None else pax.parse_decimal(size, b"size"),
        uid=header.uid if uid is None else checked_id(pax.parse_decimal(uid, b"uid")),
        gid=header.gid if gid is None else checked_id(pax.parse_decimal(gid, b"gid")),
    )
    return changed, header.mtime * _SECOND if mtime is None else pax.parse_time(mtime)
