"""A blob on its way from an upstream into the store, read meanwhile by whoever asked for it.

One thread of one process fetches; it goes on when its readers leave, and where an earlier try broke off. Readers
follow in the file. The last byte is given only when the whole has the digest that was asked for, so that nobody takes
other bytes for the blob: their body ends short. Another process that wants the blob follows in the same file.

That bytes of this digest are in the store already, from elsewhere, proves nothing: whoever names a digest must not
get at a blob of others by it. They are taken only from a repository of the same upstream, which says that it has the
blob here too, or from one that anybody may read; else they are fetched again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import BinaryIO, NamedTuple

from capas.errors import Conflict, Corrupt, NotFound
from capas.hub.copying.cache import Place
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.registry.client import Repository
from capas.store.blobs import DirectoryBlobs
from capas.store.ingest import DirectoryIngest

_FIRST, _CHUNK = 16 << 10, 256 << 10
_PIECE = 1 << 20
_POLL_SECONDS = 0.05
_PREAD = Callable[[int, int, int], Awaitable[bytes]]


class Target(NamedTuple):
    """Where a blob goes: a directory of this machine, and what makes it known to the repository once it is whole."""

    blobs: DirectoryBlobs
    find_size: Callable[[], int | None]  # of the blob, where the hub has it already
    keep: Callable[[Callable[[], None], int], None]  # commits by calling the first, and links so many bytes
    is_shared: Callable[[], bool]  # whether the bytes of this digest that are here may be given here
    check: Callable[[], None]  # raises Interrupted when the hub ends: what is fetched is gone on with later


class Inflow:
    """One blob for one repository. Made on the event loop; `run` is for a thread, everything else for the loop."""

    def __init__(self, place: Place, digest: Digest, target: Target) -> None:
        self.size = 0
        self.error: BaseException | None = None
        self.when_over: Callable[[], object] = lambda: None  # called on the loop, before anybody hears of it
        self._place = place
        self._digest = digest
        self._target = target
        self._written = 0
        self._file: BinaryIO | None = None
        self._begun = self._done = False
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def is_done(self) -> bool:
        """Whether the whole blob is in the store, and the repository's."""
        return self._done and self.error is None

    async def begun(self) -> None:
        """Return when the upstream has sent something, or all is over. Raises: what has gone wrong by now."""
        while not (self._begun or self._done):
            await self._change()
        if self._done and self.error is not None:
            raise self.error

    async def ended(self) -> None:
        """Return when the blob is whole. Raises: what went wrong."""
        while not self._done:
            await self._change()
        if self.error is not None:
            raise self.error

    def pieces(self, start: int, pread: _PREAD) -> AsyncIterator[bytes]:
        """The bytes from `start` on as they come; fewer than there should be where they turn out not to be the blob."""
        assert self._file is not None
        return self._pieces(os.dup(self._file.fileno()), start, pread)

    async def _pieces(self, fd: int, start: int, pread: _PREAD) -> AsyncIterator[bytes]:
        try:
            while start < self.size:
                ready = self.size if self.is_done else min(self._written, self.size - 1)
                if start < ready:
                    piece = await pread(fd, min(ready - start, _PIECE), start)
                    start += len(piece)
                    yield piece
                elif self._done:
                    return  # cut short
                else:
                    await self._change()
        finally:
            os.close(fd)

    async def _change(self) -> None:
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(future)
        await future

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    # in the thread

    def run(self) -> None:
        """Bring it. Never raises: `error` says what went wrong."""
        try:
            self._bring()
        except BaseException as error:
            self.error = error
        self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        self._done = True
        self.when_over()
        self._wake()
        if self._file is not None:
            self._file.close()

    def _bring(self) -> None:
        place, digest, blobs = self._place, self._digest, self._target.blobs
        self.size = place.cache.find_size(place, digest)
        if self._target.find_size() == self.size and self._target.is_shared():
            place.cache.ask_size(place, digest)
            try:
                self._target.keep(self._check_stored, self.size)
                return
            except NotFound:
                pass  # collected just now
        name = f"{place.cache.upstream.prefix}+{digest}"
        while not self._done:
            try:
                ingest = blobs.ingest(name)
            except Conflict:
                if self._follow(name):
                    return
                continue
            with ingest:
                self._fetch(ingest)
            return

    def _fetch(self, ingest: DirectoryIngest) -> None:
        place, digest = self._place, self._digest
        file = os.fdopen(os.dup(ingest.fileno()), "rb")
        if self._file is not None and not os.path.sameopenfile(self._file.fileno(), file.fileno()):
            file.close()
            raise Corrupt("the copy of {digest} that was under way is lost", digest=digest)
        self._file = file
        self._wrote(ingest.offset, begun=False)
        if ingest.offset < self.size or not self.size:
            descriptor = Descriptor(media_type="application/octet-stream", digest=digest, size=self.size)
            self._stream(place.cache.repository(place), descriptor, ingest)
        self._target.keep(lambda: ingest.commit(digest, self.size), self.size)

    def _stream(self, repository: Repository, descriptor: Descriptor, ingest: DirectoryIngest) -> None:
        stream = repository.open_blob(descriptor, ingest.offset, verify=False)
        counts = self._place.cache.counts
        try:
            while data := stream.read(_CHUNK if self._begun else _FIRST):
                self._target.check()
                ingest.write(data)
                counts.fetched_bytes += len(data)
                self._wrote(ingest.offset)
        finally:
            stream.close()

    def _wrote(self, offset: int, *, begun: bool = True) -> None:
        self._written = offset
        self._begun = self._begun or begun
        self._loop.call_soon_threadsafe(self._wake)

    def _check_stored(self) -> None:
        """In the place of a commit, once nobody may delete it. Raises: NotFound."""
        if self._target.find_size() != self.size:
            raise NotFound("no such blob: {digest}", digest=self._digest)

    def _follow(self, name: str) -> bool:
        """Go along with another process that fetches it. False once it has stopped, and the turn is ours."""
        blobs = self._target.blobs
        file = self._file or blobs.open_ingest(name)
        if file is None:
            return False
        self._file = file
        while True:
            self._target.check()
            is_busy = blobs.is_busy(name)  # looked at first: who stops has written all before, or never will
            self._wrote(os.fstat(file.fileno()).st_size)
            if not is_busy:
                return self._is_whole(file)
            time.sleep(_POLL_SECONDS)

    def _is_whole(self, file: BinaryIO) -> bool:
        """Whether the other process brought all of it, so that it is the repository's."""
        if os.fstat(file.fileno()).st_size != self.size or self._target.find_size() != self.size:
            return False
        sha256 = hashlib.sha256()
        while data := file.read(_PIECE):
            sha256.update(data)
        if Digest.of_hash(sha256) != self._digest:
            return False
        self._target.keep(self._check_stored, self.size)
        return True
