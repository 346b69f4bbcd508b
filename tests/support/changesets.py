"""Changesets for tests: members in short words, and the tar of them."""

from __future__ import annotations

import io
import os
from typing import Any

from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, HARDLINK, SYMLINK, Entry
from capas.layer.writer import TarWriter

UID, GID = os.geteuid(), os.getegid()
Member = tuple[Entry, Any]


def file(path: str, data: bytes = b"", **more: Any) -> Member:
    return _entry(path, FILE, size=len(data), **more), data


def directory(path: str, mode: int = 0o755, **more: Any) -> Member:
    return _entry(path, DIRECTORY, mode=mode, **more), b""


def symlink(path: str, target: str, **more: Any) -> Member:
    return _entry(path, SYMLINK, target=os.fsencode(target), **{"mode": 0o777, **more}), b""


def hardlink(path: str, target: str, **more: Any) -> Member:
    return _entry(path, HARDLINK, target=os.fsencode(target), **more), b""


def device(path: str, major: int, minor: int, *, block: bool = False, **more: Any) -> Member:
    return _entry(path, BLOCK if block else CHARACTER, device=(major, minor), **more), b""


def fifo(path: str, **more: Any) -> Member:
    return _entry(path, FIFO, **more), b""


def changeset(*members: Member) -> bytes:
    """The uncompressed tar of these members, in this order."""
    out = io.BytesIO()
    tar = TarWriter(out.write)
    for entry, data in members:
        tar.add(entry, io.BytesIO(data) if isinstance(data, bytes) else data)
    tar.finish()
    return out.getvalue()


def _entry(path: str, kind: bytes, **more: Any) -> Entry:
    return Entry(os.fsencode(path), kind, **{"uid": UID, "gid": GID, **more})
