"""Rpm's database, written by hand from its description: what a test needs where no rpm is at hand."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

_INT32, _STRING, _STRINGS = 4, 6, 8
Value = str | int | Sequence[str] | Sequence[int]


def rpm_header(tags: Mapping[int, Value]) -> bytes:
    """A header with these tags, as a row of Packages holds it."""
    index, data = b"", b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, str):
            kind, count, body = _STRING, 1, value.encode() + b"\0"
        elif isinstance(value, int):
            kind, count, body = _INT32, 1, struct.pack(">i", value)
        elif value and isinstance(value[0], int):
            kind, count, body = _INT32, len(value), struct.pack(f">{len(value)}i", *value)
        else:
            kind, count, body = _STRINGS, len(value), b"".join(str(text).encode() + b"\0" for text in value)
        if kind == _INT32:
            data += bytes(-len(data) % 4)
        index += struct.pack(">4I", tag, kind, len(data), count)
        data += body
    return struct.pack(">2I", len(tags), len(data)) + index + data


def rpm_database(path: Path, headers: Sequence[bytes]) -> bytes:
    """The file `rpmdb.sqlite`, in the journal mode that rpm gives it."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(header,) for header in headers])
    database.commit()
    database.close()
    return path.read_bytes()
