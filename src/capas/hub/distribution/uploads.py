"""Upload sessions: a small file says whose it is, the store's ingest of the same name keeps the bytes.

A session outlives its request, its connection, and the server's process: whoever comes next with its id goes on
where the bytes on disk end. Between requests the ingest stays open for a while, which saves hashing its bytes again.
"""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from capas.errors import Conflict, NotFound
from capas.store.blobs import DirectoryBlobs
from capas.store.disk import disk_errors
from capas.store.ingest import DirectoryIngest

_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Owner(NamedTuple):
    """Whose an upload is: nobody else can tell that it exists."""

    repository: str
    identity: str


class _Idle(NamedTuple):
    ingest: DirectoryIngest
    since: float


class Uploads:
    """The sessions under `root`. `idle_seconds` is how long an ingest stays open after its request.

    Every method may touch the disk, so the server calls them from its threads.
    """

    def __init__(self, root: Path, blobs: DirectoryBlobs, *, idle_seconds: float) -> None:
        self._root = root
        self._blobs = blobs
        self.idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._idle: dict[str, _Idle] = {}
        root.mkdir(parents=True, exist_ok=True)

    def start(self, upload: str, owner: Owner) -> None:
        """Begin the session called `upload`, a fresh token. Raises: Exhausted."""
        with disk_errors(self._root):
            fd = os.open(self._root / upload, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.write(fd, msgspec.json.encode(owner))
            finally:
                os.close(fd)

    def take(self, upload: str, owner: Owner) -> DirectoryIngest:
        """The session's ingest, ours until `keep`, `forget` or its commit.

        Raises: NotFound for an unknown session, or another's; Conflict while another request holds it.
        """
        self._check(upload, owner)
        with self._lock:
            idle = self._idle.pop(upload, None)
        return idle.ingest if idle else self._blobs.ingest(upload)

    def keep(self, upload: str, ingest: DirectoryIngest) -> None:
        """Give the ingest back, for the session's next request."""
        with disk_errors(self._root):
            try:
                os.utime(self._root / upload)
            except FileNotFoundError:
                ingest.abort()
                return
        with self._lock:
            self._idle[upload] = _Idle(ingest, time.monotonic())

    def forget(self, upload: str) -> None:
        """End the session. Idempotent."""
        (self._root / upload).unlink(missing_ok=True)

    def cancel(self, upload: str, owner: Owner) -> None:
        """End the session and drop its bytes. Raises: NotFound; Conflict while a request holds it."""
        ingest = self.take(upload, owner)
        self.forget(upload)
        ingest.abort()

    def close_idle(self, *, everything: bool = False) -> None:
        """Close the ingests that waited long enough; their bytes stay on disk for whoever comes."""
        limit = time.monotonic() - self.idle_seconds
        with self._lock:
            due = [name for name, idle in self._idle.items() if everything or idle.since <= limit]
            ingests = [self._idle.pop(name).ingest for name in due]
        for ingest in ingests:
            with ingest:
                pass

    def delete_stale(self, before_ns: int) -> int:
        """Drop the sessions that nobody wrote to since `before_ns`; how many."""
        deleted = 0
        for entry in os.scandir(self._root):
            try:
                if entry.stat().st_mtime_ns < before_ns:
                    os.unlink(entry.path)
                    deleted += 1
            except FileNotFoundError:
                continue
        self._blobs.delete_ingests(before_ns)
        return deleted

    def _check(self, upload: str, owner: Owner) -> None:
        try:
            data = (self._root / upload).read_bytes() if _ID.fullmatch(upload) else b""
        except FileNotFoundError:
            data = b""
        if data != msgspec.json.encode(owner):
            raise NotFound("no such upload", hint="start another one")


def wait_turn(error: Conflict, began: float, patience: float) -> float:
    """How long to wait before trying again to take a session that another request holds. Raises: `error`, late."""
    waited = time.monotonic() - began
    if waited > patience:
        raise error
    return min(0.01 + waited / 4, 0.2)
