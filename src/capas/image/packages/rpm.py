"""Rpm's packages: headers in `rpmdb.sqlite`, as Fedora, RHEL 9, Amazon 2023 and their kin keep them.

Older databases (Berkeley's `Packages`, SUSE's `Packages.db`) are not read, and that is said.
Spec: rpm, docs/manual/hregions.md and "Header format".
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence

from capas.image.packages.finding import File, find_layer
from capas.image.packages.package import Package
from capas.layer.tree import Tree

_MOST_STEPS = 50_000_000  # of SQLite's machine: a database made to keep us busy is given up
_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _LICENCE, _ARCHITECTURE, _SOURCE = (
    1000, 1001, 1002, 1003, 1011, 1014, 1022, 1044,
)  # fmt: skip
_FOLDER_INDEXES, _BASE_NAMES, _FOLDERS = 1116, 1117, 1118
_INT32, _STRING, _STRINGS, _I18N = 4, 6, 8, 9
_ENTRY = struct.Struct(">4I")

Tags = Mapping[int, tuple[object, ...]]


def iter_rpm(tree: Tree, files: Sequence[File], notes: list[str]) -> Iterator[Package]:
    """The installed packages; what cannot be read is told in `notes`."""
    for file in files:
        if file.path.endswith("-wal"):
            if file.data:
                notes.append(f"{file.path}: changes that rpm had not yet merged are not read")
        elif not file.path.endswith(".sqlite"):
            notes.append(f"{file.path}: a database of rpm in a format that is not read (Berkeley DB or ndb)")
        else:
            yield from _iter_headers(tree, file, notes)


def _iter_headers(tree: Tree, file: File, notes: list[str]) -> Iterator[Package]:
    try:
        headers = _read_headers(file.data)
    except sqlite3.Error as error:
        notes.append(f"{file.path}: not a database that can be read: {error}")
        return
    for header in headers:
        try:
            tags = _tags(header)
        except (struct.error, ValueError, IndexError):
            notes.append(f"{file.path}: a header in it is damaged")
            continue
        if _text(tags, _NAME) and _text(tags, _NAME) != "gpg-pubkey":
            yield _package(tree, file, tags)


def _read_headers(data: bytes) -> list[bytes]:
    """Every header, from a copy in memory whose schema is not trusted. Raises: sqlite3.Error."""
    plain = bytearray(data)
    plain[18:20] = b"\x01\x01"  # a database in memory has no write-ahead log beside it
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(bytes(plain))
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        database.set_progress_handler(lambda: 1, _MOST_STEPS)
        kind = database.execute("SELECT type FROM sqlite_schema WHERE name = 'Packages'").fetchone()
        if kind != ("table",):
            raise sqlite3.DatabaseError("it has no table Packages")
        rows = database.execute("SELECT blob FROM Packages ORDER BY hnum").fetchall()
    finally:
        database.close()
    return [row[0] for row in rows if isinstance(row[0], bytes)]


def _tags(header: bytes) -> Tags:
    """The tags that we read, with their values. Raises: struct.error, ValueError or IndexError for a damaged header."""
    count, length = struct.unpack_from(">2I", header)
    start = 8 + count * _ENTRY.size
    if start + length > len(header):
        raise ValueError("a header that ends too early")
    found: dict[int, tuple[object, ...]] = {}
    for index in range(count):
        tag, kind, offset, number = _ENTRY.unpack_from(header, 8 + index * _ENTRY.size)
        if kind == _INT32:
            found[tag] = struct.unpack_from(f">{min(number, length // 4)}i", header, start + offset)
        elif kind in (_STRING, _STRINGS, _I18N):
            texts = header[start + offset : start + length].split(b"\0", number)[:number]
            found[tag] = tuple(text.decode(errors="replace") for text in texts)
    return found


def _package(tree: Tree, file: File, tags: Tags) -> Package:
    source = _text(tags, _SOURCE)
    return Package(
        kind="rpm",
        name=_text(tags, _NAME),
        version=f"{_text(tags, _VERSION)}-{_text(tags, _RELEASE)}",
        architecture=_text(tags, _ARCHITECTURE),
        licence=_text(tags, _LICENCE),
        source="" if source == "(none)" else source,
        supplier=_text(tags, _VENDOR),
        epoch=str(tags[_EPOCH][0]) if tags.get(_EPOCH) else "",
        path=file.path,
        layer=_layer(tree, file, tags),
    )


def _layer(tree: Tree, file: File, tags: Tags) -> int:
    """The layer of the first of the package's files that is still there."""
    folders, indexes = tags.get(_FOLDERS, ()), tags.get(_FOLDER_INDEXES, ())
    for name, index in zip(tags.get(_BASE_NAMES, ()), indexes, strict=False):
        if isinstance(index, int) and 0 <= index < len(folders):
            layer = find_layer(tree, f"{folders[index]}{name}".encode())
            if layer is not None:
                return layer
    return file.layer


def _text(tags: Tags, tag: int) -> str:
    values = tags.get(tag, ())
    return str(values[0]) if values else ""
