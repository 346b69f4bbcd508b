"""Pushing blobs: sessions, chunks in order, whole blobs in one request, mounts from another repository.

Spec: OCI distribution-spec, "Pushing blobs". The body goes to the store's ingest in batches of about 1 MiB, each one
hop to a thread, while the next one is being received.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import TypeVar

from capas.errors import CapasError, Conflict, Corrupt, NotFound
from capas.hub.distribution.blobs import parse_digest
from capas.hub.distribution.kept import keep_blob
from capas.hub.distribution.message import Answer, Header, Request, header
from capas.hub.distribution.names import is_repository
from capas.hub.distribution.refusal import (
    BLOB_UPLOAD_INVALID,
    BLOB_UPLOAD_UNKNOWN,
    DIGEST_INVALID,
    SIZE_INVALID,
    UPLOAD_OUT_OF_ORDER,
    Refused,
)
from capas.hub.distribution.uploads import Owner, wait_turn
from capas.hub.hub import Call, Hub
from capas.hub.records.quota import Allowance
from capas.hub.storage.contract import Upload
from capas.oci.digest import Digest

T = TypeVar("T")
_SPAN = re.compile(r"(?:bytes )?(\d{1,18})-(\d{1,18})(?:/(?:\d+|\*))?", re.ASCII)
_PATIENCE_SECONDS = 5.0
_HOLDERS = 20


async def start_upload(call: Call) -> Answer:
    """POST: a mount, a whole blob, or a new session; a mount that is not to be had becomes a session."""
    request = call.request
    if (wanted := request.param("mount")) is not None and await _mount(call, parse_digest(wanted)):
        return _created(call, parse_digest(wanted))
    upload = call.hub.new_token()
    if (whole := request.param("digest")) is not None and wanted is None:
        writing = _Writing(call, upload, is_session=False)
        return await _finish(call, writing, parse_digest(whole))
    if not call.hub.uploads.begin(upload, _owner(call)):
        await call.hub.hop(call.hub.uploads.start, upload, _owner(call))
    _watch_idle(call.hub)
    return Answer(202, _state(call, upload, 0))


async def write_chunk(call: Call) -> Answer:
    """PATCH: append the body, which has to begin where the session stands."""
    writing = _Writing(call, call.route.value)
    async with writing:
        await _receive(call, writing)
    return Answer(202, _state(call, call.route.value, writing.offset))


async def finish_upload(call: Call) -> Answer:
    """PUT: append the body, if there is one, and keep the blob."""
    wanted = call.request.param("digest")
    if wanted is None:
        raise Refused(DIGEST_INVALID, "the digest of the blob is missing: ?digest=sha256:…")
    return await _finish(call, _Writing(call, call.route.value), parse_digest(wanted))


async def get_upload(call: Call) -> Answer:
    """GET: how far the session is."""
    writing = _Writing(call, call.route.value)
    async with writing:
        await writing.add([])
    return Answer(204, _state(call, call.route.value, writing.offset))


async def cancel_upload(call: Call) -> Answer:
    """DELETE: end the session."""
    uploads = call.hub.uploads
    try:
        await _when_free(call.hub, lambda: uploads.cancel(call.route.value, _owner(call)))
    except NotFound as error:
        raise _unknown_upload(error) from None
    return Answer(204, [])


class _Writing:
    """A session in the hands of one request: taken with its first write, given back when its block ends."""

    def __init__(self, call: Call, upload: str, *, is_session: bool = True) -> None:
        self._hub = call.hub
        self._name = call.route.name
        self._owner = _owner(call)
        self._upload = upload
        self._is_session = is_session
        self._span = _parse_span(call.request)
        self._length = call.request.length or 0
        self._ingest: Upload | None = None
        self._allowance = Allowance(call.hub.database, call.route.name)
        self._announced = 0
        self.offset = 0

    async def add(self, pieces: list[bytes]) -> None:
        """Append, in a thread."""
        await _when_free(self._hub, lambda: self._write(pieces))

    async def commit(self, pieces: list[bytes], digest: Digest) -> None:
        """Append and keep the blob, in one hop."""
        await _when_free(self._hub, lambda: self._commit(pieces, digest))

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if self._ingest is None:
            return
        if isinstance(error, CapasError):  # the disk's fault: its ingest has ended, or cannot be gone on with
            await self._hub.hop(self._ingest.abort)
        else:
            await self._hub.hop(self._give_back, self._ingest)
            _watch_idle(self._hub)

    def _write(self, pieces: list[bytes]) -> None:
        ingest = self._take()
        self._allowance.check(max(self._announced, ingest.offset + sum(map(len, pieces))))
        self._append(ingest, pieces)

    def _append(self, ingest: Upload, pieces: list[bytes]) -> None:
        """All at once: each call lets other threads in and has to wait for them."""
        if pieces:
            ingest.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
            self.offset = ingest.offset

    def _commit(self, pieces: list[bytes], digest: Digest) -> None:
        ingest = self._take()
        self._append(ingest, pieces)  # whether there is room is asked with the claim
        self._check_length(ingest)
        try:
            keep_blob(self._hub, (self._name, digest), ingest.offset, self._upload, lambda: ingest.commit(digest))
        except Corrupt as error:
            self._ingest = None  # it has ended, and its session with it
            raise Refused(DIGEST_INVALID, "the blob has another digest", detail={"digest": digest}) from error
        self._ingest = None

    def _take(self) -> Upload:
        if self._ingest is None:
            uploads = self._hub.uploads
            if self._is_session:
                self._ingest = uploads.take(self._upload, self._owner)
            else:
                self._ingest = self._hub.blobs.ingest(self._upload)
            self.offset = self._ingest.offset
            if self._span is not None and self._span[0] != self.offset:
                raise Refused(
                    UPLOAD_OUT_OF_ORDER,
                    f"the next chunk begins at byte {self.offset}",
                    headers=tuple(_progress(self._name, self._upload, self.offset)),
                )
            self._announced = self.offset + self._length
        return self._ingest

    def _check_length(self, ingest: Upload) -> None:
        if self._span is not None and ingest.offset != self._span[1] + 1:
            raise Refused(SIZE_INVALID, "the chunk has not the length of its Content-Range")

    def _give_back(self, ingest: Upload) -> None:
        if self._is_session:
            self._hub.uploads.keep(self._upload, self._owner, ingest)
        else:
            ingest.abort()


async def _finish(call: Call, writing: _Writing, digest: Digest) -> Answer:
    async with writing:
        last = await _receive(call, writing, hold_last=True)
        await writing.commit(last, digest)
    return _created(call, digest)


async def _receive(call: Call, writing: _Writing, *, hold_last: bool = False) -> list[bytes]:
    """Write the body as it comes; the last batch is left to the caller if it wants it."""
    pending: asyncio.Task[None] | None = None
    try:
        async for batch in call.request.batches():
            if pending is not None:
                await pending
                pending = None
            if hold_last and call.request.ended:
                return batch
            pending = asyncio.ensure_future(writing.add(batch))
        if pending is None and not hold_last:
            pending = asyncio.ensure_future(writing.add([]))  # an empty chunk still has to find its session
    finally:
        if pending is not None:
            await pending
    return []


async def _mount(call: Call, digest: Digest) -> bool:
    """Whether the blob is now linked here from a repository that the client may pull from."""
    hub, source = call.hub, call.request.param("from")

    def find_sources() -> list[str]:
        held = [source] if source else hub.links.list_holders(digest, _HOLDERS)
        return [one for one in held if is_repository(one) and hub.authorise(call.identity, one, "pull")]

    if hub.blobs.near and not hub.blobs.contains(digest):
        return False
    for one in await hub.ask(find_sources):
        if await hub.hop(hub.links.mount, call.route.name, digest, one, hub.now_ns()):
            return True
    return False


async def _when_free(hub: Hub, work: Callable[[], T]) -> T:
    """Do the work in a thread, waiting a little while another request, or another worker, holds the session."""
    began = time.monotonic()
    while True:
        try:
            return await hub.hop(work)
        except Conflict as error:
            await asyncio.sleep(wait_turn(error, began, _PATIENCE_SECONDS))
        except NotFound as error:
            raise _unknown_upload(error) from None


def _watch_idle(hub: Hub) -> None:
    """Have writes that nobody goes on with closed in time, by one timer for all of them."""
    uploads = hub.uploads
    if uploads.has_idle and not uploads.is_watched:
        uploads.is_watched = True
        asyncio.get_running_loop().call_later(uploads.idle_seconds / 2, _close_idle, hub)


def _close_idle(hub: Hub) -> None:
    hub.uploads.is_watched = False
    hub.pool.submit(hub.uploads.close_idle)
    _watch_idle(hub)


def _owner(call: Call) -> Owner:
    return Owner(call.route.name, call.identity.name)


def _unknown_upload(error: CapasError) -> Refused:
    return Refused(BLOB_UPLOAD_UNKNOWN, f"blob upload unknown to registry: {error}")


def _parse_span(request: Request) -> tuple[int, int] | None:
    """The first and last byte of a chunk, None where the client does not say. Raises: Refused."""
    text = request.header(b"content-range")
    if not text:
        return None
    match = _SPAN.fullmatch(text.strip())
    if match is None or int(match[2]) < int(match[1]):
        raise Refused(BLOB_UPLOAD_INVALID, f"Content-Range is first-last, in bytes, not {text[:100]!r}")
    start, end = int(match[1]), int(match[2])
    if request.length is not None and request.length != end - start + 1:
        raise Refused(SIZE_INVALID, "Content-Range and Content-Length do not agree")
    return start, end


def _state(call: Call, upload: str, offset: int) -> list[Header]:
    return [header("content-length", 0), *_progress(call.route.name, upload, offset)]


def _progress(name: str, upload: str, offset: int) -> list[Header]:
    return [
        header("location", f"/v2/{name}/blobs/uploads/{upload}"),
        header("range", f"0-{max(offset - 1, 0)}"),
        header("docker-upload-uuid", upload),
    ]


def _created(call: Call, digest: Digest) -> Answer:
    return Answer(
        201,
        [
            header("content-length", 0),
            header("location", f"/v2/{call.route.name}/blobs/{digest}"),
            header("docker-content-digest", digest),
        ],
    )
