"""Upload sessions: each is the storage's write of a name that only its owner can say.

A session outlives its request, its connection, and the server's process: whoever comes next with its id goes on
where its bytes end, on another machine too if the storage is shared. Between requests a write on this machine's disk
stays open for a while, which saves hashing its bytes again.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import NamedTuple

from capas.errors import CapasError, Conflict, NotFound
from capas.hub.storage.contract import Storage, Upload
from capas.oci.digest import Digest

_MOST_IDLE = 200  # writes that stay open: each is a file descriptor
_MOST_FRESH = 10_000  # sessions known in memory alone


class Owner(NamedTuple):
    """Whose an upload is: nobody else can tell that it exists."""

    repository: str
    identity: str


class _Idle(NamedTuple):
    ingest: Upload
    since: float


class Uploads:
    """The sessions in a storage. `shared`: other processes of this machine go on with them too, and wait meanwhile.

    `idle_seconds` is how long a write stays open after its request.

    Every method may touch the disk, so the server calls them from its threads.
    """

    def __init__(self, blobs: Storage, *, shared: bool) -> None:
        self._blobs = blobs
        self._is_shared = shared
        self.idle_seconds = (0.25 if shared else 60.0) if blobs.near else 0.0
        self.is_watched = False  # the event loop's: somebody looks soon whether one is to be closed
        self._lock = threading.Lock()
        self._idle: dict[str, _Idle] = {}
        self._fresh: dict[str, float] = {}

    def begin(self, upload: str, owner: Owner) -> bool:
        """Begin the session called `upload`, a fresh token, in memory. False where it has to be `start`ed.

        Nearly every session gets its bytes a moment later, and its file with them; another gets one by `close_idle`.
        """
        if self._is_shared or not self.idle_seconds or len(self._fresh) >= _MOST_FRESH:
            return False
        self._fresh[_name(upload, owner)] = time.monotonic()
        return True

    def start(self, upload: str, owner: Owner) -> None:
        """Begin the session called `upload`, a fresh token. Raises: Exhausted, Unavailable."""
        self._blobs.ingest(_name(upload, owner)).close()

    def take(self, upload: str, owner: Owner) -> Upload:
        """The session's write, ours until `keep`, its commit or its end.

        Raises: NotFound for an unknown session, or another's; Conflict while another request holds it.
        """
        name = _name(upload, owner)
        with self._lock:
            idle = self._idle.pop(name, None)
        if idle:
            return idle.ingest
        try:
            ingest = self._blobs.ingest(name, begun=name not in self._fresh)
        except NotFound:
            raise NotFound("no such upload", hint="start another one") from None
        self._fresh.pop(name, None)  # now, not before: who comes meanwhile is to find the session, and wait
        return ingest

    def keep(self, upload: str, owner: Owner, ingest: Upload) -> None:
        """Give the write back, for the session's next request. Raises: Unavailable."""
        if not self.idle_seconds:
            ingest.close()
            return
        with self._lock:
            longest = self._idle.pop(next(iter(self._idle))) if len(self._idle) >= _MOST_IDLE else None
            self._idle[_name(upload, owner)] = _Idle(ingest, time.monotonic())
        if longest is not None:
            longest.ingest.close()

    @property
    def has_idle(self) -> bool:
        """Whether there is one to be closed, sooner or later."""
        return bool(self._idle or self._fresh)

    def cancel(self, upload: str, owner: Owner) -> None:
        """End the session and drop its bytes. Raises: NotFound; Conflict while a request holds it."""
        self.take(upload, owner).abort()

    def close_idle(self, *, everything: bool = False) -> None:
        """Close the writes that waited long enough: they are files now, and stay for whoever comes."""
        limit = time.monotonic() - self.idle_seconds
        with self._lock:  # not while the disk is touched: every other upload would wait
            due = [name for name, idle in self._idle.items() if everything or idle.since <= limit]
            ingests = [self._idle.pop(name).ingest for name in due]
        for ingest in ingests:
            ingest.close()
        for name in [name for name, since in self._fresh.copy().items() if everything or since <= limit]:
            with suppress(CapasError):  # a full disk: it is tried again, and ends with the process at the latest
                self._blobs.ingest(name).close()
                self._fresh.pop(name, None)

    def delete_stale(self, before_ns: int) -> int:
        """Drop the sessions that nobody wrote to since `before_ns`; how many."""
        return self._blobs.delete_ingests(before_ns)


def _name(upload: str, owner: Owner) -> str:
    """The name of the session's write: nothing has to remember whose it is, and another's leads nowhere."""
    return Digest.of("\n".join((upload, *owner)).encode()).hex


def wait_turn(error: Conflict, began: float, patience: float) -> float:
    """How long to wait before trying again to take a session that another request holds. Raises: `error`, late."""
    waited = time.monotonic() - began
    if waited > patience:
        raise error
    return min(0.01 + waited / 4, 0.2)
