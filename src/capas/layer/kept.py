"""A table of contents as bytes that are kept: columns of numbers and joined names, which are read at once.

Damage is noticed by a checksum before anything is believed; all counts are compared with each other.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

import msgspec

from capas.errors import Corrupt, Unsupported
from capas.layer.columns import Columns, Pieces
from capas.typed import from_msgpack

_HEAD = f"capas contents 3 {sys.byteorder}\n".encode()  # versions 1 and 2 had an object for each entry
_WIDTHS = ("B", "H", "I", "q")  # of numbers, the smallest that fits
_DIGEST = 32  # bytes of a SHA-256
_LARGEST = 2 << 30
"""Bytes of a table when inflated: that of ten million entries, which a layer may have, takes less."""

_Numbers = tuple[str, bytes]


class _Document(msgspec.Struct, array_like=True):
    """What is written. Names and folders are joined by NULs, which no name has."""

    folders: bytes
    lengths: _Numbers
    names: bytes
    kinds: bytes
    numbers: list[_Numbers]
    targets: dict[int, bytes]
    devices: dict[int, tuple[int, int]]
    xattrs: dict[int, dict[bytes, bytes]]
    sparse: dict[int, Pieces]
    sums: bytes


def dump_table(columns: Columns, sums: bytes) -> bytes:
    """The columns of a layer's entries, and the SHA-256 of each (see `Contents.sums`)."""
    import zstandard

    numbers = columns.modes, columns.uids, columns.gids, columns.sizes, columns.mtimes_ns, columns.offsets
    document = _Document(
        b"\0".join(columns.folders), _pack(columns.lengths), b"\0".join(columns.names), columns.kinds,
        list(map(_pack, numbers)), dict(columns.targets), dict(columns.devices),
        {row: dict(found) for row, found in columns.xattrs.items()}, dict(columns.sparse), sums,
    )  # fmt: skip
    plain = msgspec.msgpack.encode(document)
    return _HEAD + zstandard.ZstdCompressor(level=1, write_checksum=True).compress(plain)


def load_table(data: bytes) -> tuple[Columns, bytes]:
    """What `dump_table` was given. Raises: Corrupt for damage; Unsupported for what another version or machine kept."""
    if not data.startswith(_HEAD):
        raise Unsupported("the table of contents is of another version")
    try:
        document = from_msgpack(_inflate(memoryview(data)[len(_HEAD) :]), _Document)
        columns = _read(document)
    except (ValueError, RecursionError) as error:  # msgspec's errors are values' too
        raise _unreadable(str(error)) from None
    _check(columns, document.sums)
    return columns, document.sums


def _inflate(data: memoryview) -> bytes:
    import zstandard

    try:
        if not 0 <= zstandard.frame_content_size(data) <= _LARGEST:
            raise _unreadable("its size cannot be")
        return zstandard.decompress(data)
    except zstandard.ZstdError as error:
        raise _unreadable(str(error)) from None


def _read(document: _Document) -> Columns:
    lengths = _unpack(document.lengths)
    modes, uids, gids, sizes, mtimes_ns, offsets = map(_unpack, document.numbers)
    return Columns(
        document.folders.split(b"\0") if lengths else [], lengths,
        document.names.split(b"\0") if document.kinds else [], document.kinds,
        modes, uids, gids, sizes, mtimes_ns, offsets,
        document.targets, document.devices, document.xattrs, document.sparse,
    )  # fmt: skip


def _check(columns: Columns, sums: bytes) -> None:
    """Raises: Corrupt unless all columns are of one length, and no row but theirs is spoken of."""
    rows = len(columns.kinds)
    numbers = columns.modes, columns.uids, columns.gids, columns.sizes, columns.mtimes_ns, columns.offsets
    few = columns.targets, columns.devices, columns.xattrs, columns.sparse
    fits = (
        all(len(column) == rows for column in (columns.names, *numbers))
        and len(columns.folders) == len(columns.lengths)
        and (not rows or min(columns.lengths, default=0) > 0)
        and sum(columns.lengths) == rows
        and all(0 <= row < rows for rows_of in few for row in rows_of)
        and len(sums) in (0, rows * _DIGEST)
        and not columns.kinds.translate(None, b"0123456")
    )
    if not fits:
        raise _unreadable("its columns do not fit together")


def _pack(numbers: Sequence[int]) -> _Numbers:
    """As numbers of one width, or in decimals where one is too large for any: a tar may claim any time."""
    for width in _WIDTHS:
        try:
            return width, array(width, numbers).tobytes()
        except OverflowError:
            continue
    return "", " ".join(map(str, numbers)).encode()


def _unpack(packed: _Numbers) -> Sequence[int]:
    width, data = packed
    if not width:
        return list(map(int, data.split()))
    if width not in _WIDTHS:
        raise ValueError("numbers of no known width")
    numbers = array(width)
    numbers.frombytes(data)
    return numbers


def _unreadable(error: str) -> Corrupt:
    return Corrupt("the table of contents cannot be read: {error}", error=error)
